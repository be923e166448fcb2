import io
import json
from typing import Any

import polars as pl

from telemetry_sim.export import LoadFormat, LoadWriter
from tests.telemetry_sim.export.load_calls import MIDNIGHT, calls_of

FIRST = {"call_id": "a", "at_s": 10.0, "input_tokens": 1000, "output_tokens": 100, "duration_s": 2.0}


def turns(*batches: pl.DataFrame) -> list[dict[str, Any]]:
    file = io.BytesIO()
    writer = LoadWriter(load_format=LoadFormat.AIPERF, origin=MIDNIGHT, file=file)
    for batch in batches:
        writer.write(batch)
    return [json.loads(line) for line in file.getvalue().splitlines()]


def grown(name: str, parent: str, at_s: float, **changed: object) -> dict[str, object]:
    """A call whose prompt is its parent's 1000 tokens, the answer's 100 and 50 more."""
    row = {"call_id": name, "at_s": at_s, "parent_call_id": parent, "input_tokens": 1150, "shared_prefix_tokens": 1100}
    return {**row, **changed}


def test_a_prompt_that_goes_on_is_a_turn_with_a_delay_and_what_it_adds() -> None:
    first, second = turns(calls_of(FIRST, grown("b", "a", 15.0)))
    assert first == {
        "session_id": "s-0",
        "timestamp": 10_000,
        "delay": None,
        "input_length": 1000,
        "output_length": 100,
        "hash_ids": [0, 1],
    }
    assert (second["session_id"], second["timestamp"], second["delay"]) == ("s-0", None, 3000)
    assert (second["input_length"], second["hash_ids"]) == (50, None)


def test_a_turn_of_the_next_day_still_belongs_to_its_conversation() -> None:
    first, second = turns(calls_of(FIRST), calls_of(grown("b", "a", 86_405.0)))
    assert second["session_id"] == first["session_id"]
    assert second["delay"] == (86_405 - 12) * 1000


def test_a_rewritten_or_compacted_prompt_opens_a_conversation_at_its_own_time() -> None:
    rewritten = grown("b", "a", 15.0, shared_prefix_tokens=600)
    lines = turns(calls_of(FIRST, rewritten, grown("c", "b", 20.0, input_tokens=1400, shared_prefix_tokens=1250)))
    assert [line["session_id"] for line in lines] == ["s-0", "s-1", "s-1"]
    assert lines[1]["timestamp"] == 15_000
    assert lines[1]["hash_ids"] == [0, 2, 3]
    assert lines[2]["input_length"] == 150


def test_of_two_that_continue_the_same_prompt_the_first_goes_on_and_the_second_is_a_fork() -> None:
    lines = turns(calls_of(FIRST, grown("b", "a", 15.0), grown("c", "a", 16.0)))
    assert [line["session_id"] for line in lines] == ["s-0", "s-0", "s-2"]
    assert lines[2]["input_length"] == 1150


def test_a_sub_agent_and_another_session_have_conversations_of_their_own() -> None:
    lines = turns(calls_of(FIRST, grown("b", "a", 15.0, agent_id="s-sub1"), grown("c", "a", 16.0, session_id="t")))
    assert [line["session_id"] for line in lines] == ["s-0", "s-sub1-1", "t-2"]
    assert all(line["hash_ids"][0] == 0 for line in lines)


def test_a_request_before_the_end_of_the_answer_it_continues_waits_no_time() -> None:
    _, second = turns(calls_of(FIRST, grown("b", "a", 11.0)))
    assert second["delay"] == 0
