"""Steps whose decoding sequences compute several tokens: what grows with them, and what is read once all the same."""

from dataclasses import replace

import numpy as np
import pytest

from hwmodel.catalog import Deployment
from hwmodel.kernels import BadStates, KernelBatch, StepStates, kernel_inventory
from tests.hwmodel.kernels.steps import LLMS, llm, total

SEQUENCES, CONTEXT = 8.0, 2000.0


def of_queries(llm_id: str, queries: float | None) -> KernelBatch:
    states = StepStates(
        prefill_tokens=np.zeros(1),
        prefill_context_tokens=np.zeros(1),
        decode_sequences=np.array([SEQUENCES]),
        decode_kv_tokens=np.array([SEQUENCES * CONTEXT]),
        decode_query_tokens=None if queries is None else np.array([SEQUENCES * queries]),
    )
    return kernel_inventory(llm(llm_id), Deployment(tp_count=4), states)


@pytest.mark.parametrize("llm_id", LLMS)
def test_one_token_per_sequence_is_what_is_meant_where_nothing_is_said(llm_id: str) -> None:
    one, unsaid = of_queries(llm_id, 1.0), of_queries(llm_id, None)
    assert one.names == unsaid.names
    for name in ("m", "work_flop", "vector_flop", "exponent_count", "weight_bytes", "activation_bytes", "link_bytes"):
        assert getattr(one, name).tolist() == getattr(unsaid, name).tolist(), name


@pytest.mark.parametrize("llm_id", LLMS)
def test_the_cache_is_read_once_for_all_tokens_of_a_sequence_and_worked_on_for_each(llm_id: str) -> None:
    one, four = of_queries(llm_id, 1.0), of_queries(llm_id, 4.0)
    for name in (name for name in one.names if name.startswith("attention_decode")):
        assert total(four, "weight_bytes", name=name) == total(one, "weight_bytes", name=name)
        assert total(four, "work_flop", name=name) == pytest.approx(4 * total(one, "work_flop", name=name))
        assert total(four, "m", name=name) == pytest.approx(4 * total(one, "m", name=name))


@pytest.mark.parametrize("llm_id", LLMS)
def test_products_and_logits_are_made_for_every_token(llm_id: str) -> None:
    one, four = of_queries(llm_id, 1.0), of_queries(llm_id, 4.0)
    for name in ("lm_head_gemm", "o_gemm"):
        assert total(four, "work_flop", name=name) == pytest.approx(4 * total(one, "work_flop", name=name))
    assert total(four, "weight_bytes", name="lm_head_gemm") == total(one, "weight_bytes", name="lm_head_gemm")


def test_recurrent_states_are_read_once_and_kept_after_every_token() -> None:
    one, four = of_queries("qwen3-next-80b-a3b", 1.0), of_queries("qwen3-next-80b-a3b", 4.0)
    state = total(one, "weight_bytes", name="linear_attention_decode") / 2.0
    assert total(four, "weight_bytes", name="linear_attention_decode") == pytest.approx(5.0 * state)


def test_fewer_tokens_than_sequences_are_refused() -> None:
    with pytest.raises(BadStates, match="at least one"):
        of_queries("llama-3.1-70b", 0.5)


def test_drafts_do_not_touch_prompts() -> None:
    states = StepStates(
        prefill_tokens=np.array([100.0]),
        prefill_context_tokens=np.array([50.0]),
        decode_sequences=np.array([2.0]),
        decode_kv_tokens=np.array([400.0]),
    )
    plain = kernel_inventory(llm("llama-3.1-70b"), Deployment(tp_count=1), states)
    drafted = kernel_inventory(
        llm("llama-3.1-70b"), Deployment(tp_count=1), replace(states, decode_query_tokens=np.array([8.0]))
    )
    assert total(plain, "work_flop", name="attention_prefill") == total(drafted, "work_flop", name="attention_prefill")
    assert total(drafted, "work_flop", name="lm_head_gemm") == pytest.approx(
        total(plain, "work_flop", name="lm_head_gemm") * 9 / 3
    )
