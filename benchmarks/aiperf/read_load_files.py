"""Reads our load files with AIPerf's own loader and compares them with the calls they were made of.

Run by `.ci/run` with the Python of an environment that has `aiperf` (it cannot be installed beside our pins):
`python read_load_files.py FOLDER`, where FOLDER was written by `scoville simulate-telemetry --export`, once with
`mooncake` and once with `aiperf`, tables included. Exits 1 at the first difference.
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import aiperf.dataset.generator.prompt as prompt_module
import pyarrow.parquet as pq
from aiperf.common import random_generator
from aiperf.common.tokenizer import Tokenizer
from aiperf.dataset.generator.prompt import PromptGenerator
from aiperf.dataset.loader.models import MooncakeTrace
from aiperf.dataset.loader.mooncake_trace import MooncakeTraceDatasetLoader
from tokenizers import Tokenizer as RawTokenizer
from tokenizers import models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

BLOCK_TOKENS = 512
PROMPTS_MADE = 180
"""Conversations whose prompts are made and counted token by token."""
DECODED_HERE = 9
SEED = 7
UNKNOWN = "<unk>"
COLUMNS = ["requested_at", "input_tokens", "output_tokens", "status", "session_id", "agent_id"]


class Difference(Exception):
    """AIPerf reads something else than the simulator said."""


def main(folder: Path) -> None:
    """Checks both load files of a folder."""
    calls = sorted(sent_calls(folder), key=lambda call: call["requested_at"])
    random_generator.init(SEED)
    generator = prompt_generator(Path(tempfile.mkdtemp()))
    for name, check in (("mooncake", check_mooncake), ("aiperf", check_conversations)):
        path = folder / f"load_{name}.jsonl"
        loader = MooncakeTraceDatasetLoader(filename=path, prompt_generator=generator, default_block_size=BLOCK_TOKENS)
        sessions = loader.load_dataset()
        check(sessions, calls)
        made = check_prompts(loader, sessions)
        turns = sum(len(turns) for turns in sessions.values())
        print(
            f"{path.name}: {turns:,} calls in {len(sessions):,} conversations read; {made:,} prompts made and counted"
        )


def sent_calls(folder: Path) -> Iterator[dict]:
    """The calls that a load file must hold: those that a server saw and whose lengths are known."""
    for path in sorted(folder.glob("model_calls_*.parquet")):
        for call in pq.read_table(path, columns=COLUMNS).to_pylist():
            if call["status"] in {"ok", "user_cancel"} and call["output_tokens"] is not None:
                yield call


def check_mooncake(sessions: dict[str, list[MooncakeTrace]], calls: list[dict]) -> None:
    """Every call once, at its millisecond, with its lengths and as many ids as its prompt has blocks."""
    lines = [turn for turns in sessions.values() for turn in turns]
    expect("calls", len(lines), len(calls))
    expect("conversations", len(sessions), len(calls))
    origin = calls[0]["requested_at"].replace(hour=0, minute=0, second=0, microsecond=0)
    wanted = [
        (int((call["requested_at"] - origin).total_seconds() * 1000.0 + 1e-6), call["input_tokens"]) for call in calls
    ]
    expect("times and inputs", sorted((line.timestamp, line.input_length) for line in lines), sorted(wanted))
    outputs = sorted(max(call["output_tokens"], 1) for call in calls)
    expect("outputs", sorted(line.output_length for line in lines), outputs)
    for line in lines:
        expect("ids of a call", len(line.hash_ids), -(-line.input_length // BLOCK_TOKENS))
    distinct = len({block for line in lines for block in line.hash_ids})
    total = sum(len(line.hash_ids) for line in lines)
    if not 0 < distinct < total:
        raise Difference(f"{distinct} of {total} block ids are distinct; prefixes should share some")


def check_conversations(sessions: dict[str, list[MooncakeTrace]], calls: list[dict]) -> None:
    """Every call once; first turns have a time and all their blocks, later ones a delay and what they add."""
    turns = [turn for each in sessions.values() for turn in each]
    expect("calls", len(turns), len(calls))
    expect("outputs", sorted(turn.output_length for turn in turns), sorted(max(c["output_tokens"], 1) for c in calls))
    agents = {call["agent_id"] or call["session_id"] for call in calls}
    if not len(agents) <= len(sessions) < len(calls):
        raise Difference(f"{len(sessions)} conversations for {len(agents)} agents and {len(calls)} calls")
    for name, each in sessions.items():
        for number, turn in enumerate(each):
            is_first = number == 0
            timed = (turn.timestamp is not None, turn.delay is not None, turn.hash_ids is not None)
            expect(f"time, delay and ids of turn {number} of {name}", timed, (is_first, not is_first, is_first))
            if turn.input_length < 1 or (turn.delay or 0) < 0 or (turn.timestamp or 0) < 0:
                raise Difference(f"turn {number} of {name}: {turn}")
            if is_first:
                expect("ids of a first turn", len(turn.hash_ids), -(-turn.input_length // BLOCK_TOKENS))


def check_prompts(loader: MooncakeTraceDatasetLoader, sessions: dict[str, list[MooncakeTrace]]) -> int:
    """Makes prompts as a run would and counts their tokens; calls that share blocks share the text of those blocks."""
    encode = loader.prompt_generator.tokenizer.encode
    made, blocks = 0, {}
    for chosen in few_at_a_time(sessions):
        for conversation in loader.convert_to_conversations(chosen):
            for line, turn in zip(chosen[conversation.session_id], conversation.turns, strict=True):
                tokens = encode(turn.texts[0].contents[0])
                expect("tokens of a prompt", len(tokens), line.input_length)
                expect("tokens asked for", turn.max_tokens, line.output_length)
                expect("time of a turn", (turn.timestamp, turn.delay), (line.timestamp, line.delay))
                made += 1
                for place, block in enumerate(line.hash_ids or []):
                    text = tuple(tokens[place * BLOCK_TOKENS : (place + 1) * BLOCK_TOKENS])
                    expect(f"text of block {block}", text, blocks.setdefault(block, text))
    return made


def few_at_a_time(sessions: dict[str, list[MooncakeTrace]]) -> Iterator[dict[str, list[MooncakeTrace]]]:
    """The first conversations in groups that AIPerf decodes in this process: larger ones start a pool of processes."""
    group: dict[str, list[MooncakeTrace]] = {}
    for name, turns in list(sessions.items())[:PROMPTS_MADE]:
        group[name] = turns
        if len(group) == DECODED_HERE:
            yield group
            group = {}


def prompt_generator(folder: Path) -> PromptGenerator:
    """AIPerf's prompt generator over its own corpus, with a word tokenizer made here: nothing is downloaded."""
    corpus = Path(prompt_module.__file__).parent / prompt_module.DEFAULT_CORPUS_FILE
    words = sorted(set(corpus.read_text(encoding="utf-8").split()))
    vocabulary = {word: number for number, word in enumerate([UNKNOWN, "<s>", "</s>", *words])}
    raw = RawTokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    raw.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    words_of_control = {"unk_token": UNKNOWN, "bos_token": "<s>", "eos_token": "</s>"}
    wrapped = PreTrainedTokenizerFast(tokenizer_object=raw, **words_of_control)
    wrapped.save_pretrained(folder)
    tokenizer = Tokenizer.from_pretrained(str(folder), resolve_alias=False)
    return PromptGenerator(prompts=None, prefix_prompts=None, tokenizer=tokenizer)


def expect(what: str, found: object, wanted: object) -> None:
    """Refuses a difference, shown short."""
    if found != wanted:
        raise Difference(f"{what}: AIPerf reads {str(found)[:300]}, the simulator said {str(wanted)[:300]}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
