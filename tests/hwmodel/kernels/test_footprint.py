"""Memory of a rank against published parameter counts and cache sizes."""

from dataclasses import replace

import pytest

from hwmodel.catalog import Deployment
from hwmodel.kernels import kv_bytes_per_token, sequence_state_bytes, weight_bytes_per_rank
from tests.hwmodel.kernels.steps import LLMS, llm


@pytest.mark.parametrize("llm_id", LLMS)
@pytest.mark.parametrize(("tp_count", "ep_count"), [(1, 1), (8, 1), (8, 8)])
def test_ranks_together_hold_the_parameters(llm_id: str, tp_count: int, ep_count: int) -> None:
    spec = replace(llm(llm_id), weight_dtype="bf16")
    held = weight_bytes_per_rank(spec, Deployment(tp_count=tp_count, ep_count=ep_count))
    assert held * tp_count == pytest.approx(2.0 * spec.total_parameters, rel=0.03)


def test_gpt_oss_weighs_what_its_checkpoint_weighs() -> None:
    held = weight_bytes_per_rank(llm("gpt-oss-120b"), Deployment(tp_count=1))
    assert held == pytest.approx(60.8 * 2**30, rel=0.02)  # published: 60.8 GiB checkpoint


def test_llama_70b_cache_is_the_published_320_kib_per_token() -> None:
    spec = llm("llama-3.1-70b")
    assert kv_bytes_per_token(spec, Deployment(tp_count=1, kv_dtype="bf16")) == 163_840 * 2
    assert kv_bytes_per_token(spec, Deployment(tp_count=8, kv_dtype="bf16")) == 163_840 * 2 / 8
    assert kv_bytes_per_token(spec, Deployment(tp_count=16, kv_dtype="bf16")) == 163_840 * 2 / 8


def test_latent_cache_is_held_whole_by_every_rank() -> None:
    one, eight = (kv_bytes_per_token(llm("deepseek-r1"), Deployment(tp_count=tp)) for tp in (1, 8))
    assert one == eight == 576 * 61


def test_sequence_state_counts_windows_and_recurrent_states() -> None:
    gpt_oss = sequence_state_bytes(llm("gpt-oss-120b"), Deployment(tp_count=1, kv_dtype="bf16"))
    assert gpt_oss == 18_432 * 128 * 2
    linear = sequence_state_bytes(llm("qwen3-next-80b-a3b"), Deployment(tp_count=1))
    assert linear == pytest.approx(18_874_368 * 4, rel=0.03)
    assert sequence_state_bytes(llm("llama-3.1-70b"), Deployment(tp_count=1)) == 0.0
