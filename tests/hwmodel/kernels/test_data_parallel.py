"""Attention divided by data: groups do the same work together, hold their own sequences, and meet at the experts."""

from dataclasses import replace

import pytest

from hwmodel.catalog import BadSpec, Deployment
from hwmodel.kernels import (
    BadDeployment,
    kernel_inventory,
    kv_bytes_per_token,
    sequence_state_bytes,
    weight_bytes_per_rank,
)
from tests.hwmodel.kernels.steps import llm, names_in, states, total

R1 = "deepseek-r1"
BY_HEADS = Deployment(tp_count=8, ep_count=8)
BY_DATA = replace(BY_HEADS, attention_dp_count=8)
IN_TWO = replace(BY_HEADS, attention_dp_count=2)
FULL = states((8192, 0, 64, 64 * 4096))


@pytest.mark.parametrize("divided", [BY_DATA, IN_TWO])
def test_ranks_together_multiply_what_they_multiply_divided_by_heads(divided: Deployment) -> None:
    prompt = states((0, 0, 64, 64 * 4096))
    one, other = (
        total(kernel_inventory(llm(R1), d, prompt), "work_flop", name="attention_decode") for d in (BY_HEADS, divided)
    )
    assert other == pytest.approx(one)
    experts = [
        total(kernel_inventory(llm(R1), d, FULL), "work_flop", name="expert_down_gemm") for d in (BY_HEADS, divided)
    ]
    assert experts[1] == pytest.approx(experts[0])


def test_a_group_reads_the_cache_of_its_own_sequences_alone() -> None:
    step = states((0, 0, 64, 64 * 4096))
    by_heads, by_data = (
        total(kernel_inventory(llm(R1), d, step), "weight_bytes", name="attention_decode") for d in (BY_HEADS, BY_DATA)
    )
    assert by_heads == pytest.approx(8.0 * by_data)
    assert kv_bytes_per_token(llm(R1), BY_HEADS) == 8.0 * kv_bytes_per_token(llm(R1), BY_DATA)


def test_nothing_is_reduced_over_ranks_that_share_no_sequence_but_rows_go_to_experts() -> None:
    batch = kernel_inventory(llm(R1), BY_DATA, FULL)
    assert not [name for name in names_in(batch, 0) if "all_reduce" in name or "all_gather" in name]
    assert [name for name in names_in(batch, 0) if "all_to_all" in name]
    assert "attention_all_reduce" in names_in(kernel_inventory(llm(R1), IN_TWO, FULL), 0)


def test_a_rank_holds_its_experts_and_all_else_of_its_group() -> None:
    spec = llm(R1)
    moe = spec.moe
    assert moe is not None
    held = {groups: weight_bytes_per_rank(spec, replace(BY_HEADS, attention_dp_count=groups)) for groups in (1, 2, 8)}
    assert held[1] < held[2] < held[8]
    assert held[8] - held[2] == pytest.approx(6.0 * (held[2] - held[1]), rel=0.03)


def test_one_sequence_is_in_one_group_and_takes_as_long_as_eight_in_eight() -> None:
    batch = kernel_inventory(llm(R1), BY_DATA, states((0, 0, 1, 4096), (0, 0, 8, 8 * 4096)))
    work = [total(batch, "work_flop", name="attention_decode", state=state) for state in (0, 1)]
    assert work[0] == pytest.approx(work[1])


def test_state_of_a_sequence_is_in_one_group() -> None:
    spec = llm("gpt-oss-120b")
    whole, shared = (
        sequence_state_bytes(spec, Deployment(tp_count=2, ep_count=2, attention_dp_count=g)) for g in (1, 2)
    )
    assert shared == pytest.approx(whole)


def test_what_cannot_be_divided_is_refused() -> None:
    with pytest.raises(BadSpec, match="attention_dp=2"):
        Deployment(tp_count=8, attention_dp_count=2)
    with pytest.raises(BadSpec, match="attention_dp=3"):
        Deployment(tp_count=8, ep_count=8, attention_dp_count=3)
    with pytest.raises(BadDeployment, match=r"llama-3\.1-70b has no experts"):
        kernel_inventory(llm("llama-3.1-70b"), BY_DATA, FULL)
