"""Configurations of serving engines: what is read, and what is refused in one line."""

from pathlib import Path

import pytest
import yaml

from hwmodel.serving.config import Preemption, SchedulerKind, ServingConfig, config_of, read_config
from hwmodel.serving.engine import Policy
from hwmodel.serving.errors import BadConfig

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "serving"
LEAST: dict[str, object] = {
    "scheduler": "vllm_v1",
    "max_num_seqs": 8,
    "max_num_batched_tokens": 64,
    "kv_blocks": 100,
    "layers": 2,
}
DRAFTS = {"draft": "mtp", "tokens": 2, "alpha": 0.7}


def test_both_examples_say_what_their_runs_had() -> None:
    case2, rtx4090 = (read_config(EXAMPLES / f"{name}.yaml") for name in ("case2_code_vidur", "rtx4090_llama31_8b"))
    assert case2 == ServingConfig(
        scheduler=SchedulerKind.SARATHI_VIDUR,
        max_num_seqs=128,
        max_num_batched_tokens=512,
        kv_blocks=27_904,
        layers=48,
        tp=2,
        gqa_attention_factor=1.1,
    )
    assert rtx4090 == ServingConfig(
        scheduler=SchedulerKind.VLLM_V1,
        max_num_seqs=256,
        max_num_batched_tokens=2048,
        kv_blocks=2588,
        layers=32,
        prefix_caching=True,
    )


def test_what_is_not_said_has_a_default() -> None:
    config = config_of(LEAST)
    assert (config.block_tokens, config.tp, config.policy) == (16, 1, Policy.FCFS)
    assert (config.preemption, config.arrival_scale, config.host_overhead_s) == (Preemption.RECOMPUTE, 1.0, 0.0)


@pytest.mark.parametrize(
    ("name", "said", "meant"),
    [
        ("preemption", True, "recompute"),
        ("preemption", "recompute", "recompute"),
        ("preemption", False, "none"),
        ("preemption", "none", "none"),
        ("kv_skew", True, "on"),
        ("kv_skew", False, "off"),
        ("kv_skew", "auto", "auto"),
    ],
)
def test_some_choices_are_named_or_switched(name: str, said: object, meant: str) -> None:
    assert getattr(config_of({**LEAST, name: said}), name) == meant


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"max_seqs": 8}, "unknown key max_seqs; known are scheduler, max_num_seqs"),
        ({"scheduler": "orca"}, "scheduler is 'orca' and must be vllm_v1 or sarathi_vidur"),
        ({"scheduler": ["vllm_v1"]}, "scheduler is"),
        ({"max_num_seqs": 0}, "max_num_seqs is 0 and must be 1 or more"),
        ({"max_num_seqs": 8.0}, "max_num_seqs is 8.0 and must be a whole number"),
        ({"max_num_seqs": True}, "must be a whole number"),
        ({"kv_blocks": "many"}, "kv_blocks is 'many'"),
        ({"layers": None}, "layers is None"),
        ({"prefix_caching": 1}, "prefix_caching is 1 and must be true or false"),
        ({"host_overhead_s": -0.1}, "host_overhead_s is -0.1 and must be 0 or more"),
        ({"host_overhead_s": float("nan")}, "must be a number"),
        ({"host_overhead_s": "1ms"}, "must be a number"),
        ({"arrival_scale": 0}, "arrival_scale is 0.0 and must be above 0"),
        ({"arrival_scale": float("inf")}, "must be a number"),
        ({"gqa_attention_factor": 0.5}, "must be 1 or more"),
        ({"policy": "lifo"}, "must be fcfs or priority"),
        ({"hardware": 4090}, "must be a text"),
        ({"scheduler": "sarathi_vidur", "prefix_caching": True}, "must be false with sarathi_vidur"),
        ({"scheduler": "sarathi_vidur", "preemption": False}, "must be recompute with sarathi_vidur"),
        ({"scheduler": "sarathi_vidur", "policy": "priority"}, "must be fcfs with sarathi_vidur"),
        ({"scheduler": "sarathi_vidur", "speculation": DRAFTS}, "must be vllm_v1 with speculation"),
        ({"speculation": 3}, "speculation is 3 and must be a mapping of draft, tokens"),
        ({"speculation": {**DRAFTS, "k": 3}}, "unknown key k in speculation"),
        ({"speculation": {"tokens": 2, "alpha": 0.5}}, "draft is None and must be set"),
        ({"speculation": {**DRAFTS, "draft": 3}}, "draft is 3 and must be mtp, ngram or the id of an LLM"),
        ({"speculation": {**DRAFTS, "tokens": 0}}, "tokens is 0 and must be a whole number from 1 to 16"),
        ({"speculation": {**DRAFTS, "tokens": True}}, "must be a whole number"),
        ({"speculation": {**DRAFTS, "alpha": 1.5}}, "alpha is 1.5 and must be a number from 0 to 1"),
        ({"speculation": {"draft": "mtp", "tokens": 2}}, "must say either acceptance or alpha"),
        ({"speculation": {**DRAFTS, "acceptance": [0.5, 0.4]}}, "must say either acceptance or alpha"),
        ({"speculation": {"draft": "mtp", "tokens": 2, "acceptance": [0.5]}}, "a list of 2 numbers, one per draft"),
        ({"speculation": {"draft": "mtp", "tokens": 2, "acceptance": [0.5, 0.6]}}, "chances cannot grow"),
        ({"speculation": {"draft": "mtp", "tokens": 2, "acceptance": "eagle9"}}, "no acceptance law 'eagle9'"),
        ({"speculation": {"draft": "mtp", "tokens": 2, "acceptance": "deepseek-v3-mtp"}}, "for 1 drafts, not for 2"),
        ({"speculation": {**DRAFTS, "draft": "ngram"}}, "draft_host_s is None and must be set with ngram"),
        ({"speculation": {**DRAFTS, "draft_host_s": -1}}, "draft_host_s is -1 and must be a number of 0 or more"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(tmp_path: Path, changed: dict[str, object], message: str) -> None:
    path = tmp_path / "engine.yaml"
    path.write_text(yaml.safe_dump({**LEAST, **changed}))
    with pytest.raises(BadConfig) as refused:
        read_config(path)
    assert message in str(refused.value)
    assert str(refused.value).startswith("engine.yaml: ")
    assert "\n" not in str(refused.value)


def test_speculation_is_read_with_a_law_of_its_own_or_a_published_one() -> None:
    read = [
        config_of({**LEAST, "speculation": {"draft": "mtp", "tokens": 2, **law}}).speculation
        for law in ({"alpha": 0.5}, {"acceptance": [0.5, 0.25]}, {"acceptance": "eagle3-minicpm3"})
    ]
    assert [said.law.chances for said in read if said is not None] == [(0.5, 0.25), (0.5, 0.25), (0.58, 0.34)]
    assert config_of({**LEAST, "speculation": None}).speculation is None
    small = config_of({**LEAST, "speculation": {**DRAFTS, "draft": "llama-3.1-8b"}}).speculation
    assert small is not None
    assert (small.draft_llm, small.tokens_count) == ("llama-3.1-8b", 2)


@pytest.mark.parametrize("name", sorted(LEAST))
def test_what_has_no_default_must_be_set(name: str) -> None:
    with pytest.raises(BadConfig, match=f"{name} must be set"):
        config_of({key: value for key, value in LEAST.items() if key != name})


@pytest.mark.parametrize("text", ["", "- 1\n", "a: [\n", "\xff"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "engine.yaml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(BadConfig):
        read_config(path)
    with pytest.raises(BadConfig, match="cannot be read"):
        read_config(tmp_path / "nowhere.yaml")
