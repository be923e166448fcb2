"""The inventory against parameter counts and kernel counts worked out by hand."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwmodel.catalog import Deployment
from hwmodel.kernels import BadStates, KernelBatch, kernel_columns, kernel_inventory, touched_bytes
from tests.hwmodel.kernels.steps import LLMS, llm, names_in, states, total
from warehouse.contracts.vocabulary import KernelFamily

BF16 = Deployment(tp_count=1, kv_dtype="bf16")
NOT_WEIGHTS = {KernelFamily.ATTENTION_DECODE, KernelFamily.ATTENTION_PREFILL, KernelFamily.LINEAR_ATTENTION}


def weights_read(batch: KernelBatch) -> float:
    families = tuple(KernelFamily)
    is_weight = np.array([families[code] not in NOT_WEIGHTS for code in batch.family_code])
    return float((batch.repeat_count * batch.weight_bytes)[is_weight].sum())


@pytest.mark.parametrize("llm_id", LLMS)
@pytest.mark.parametrize("tp_count", [1, 4])
def test_a_decode_step_of_one_sequence_reads_the_active_weights_of_a_rank(llm_id: str, tp_count: int) -> None:
    spec = replace(llm(llm_id), weight_dtype="bf16")
    batch = kernel_inventory(spec, Deployment(tp_count=tp_count), states((0, 0, 1, 1000)))
    embedding = 0 if spec.tied_embeddings else spec.vocab * spec.hidden
    router = 0 if spec.moe is None else spec.hidden * spec.moe.experts_count
    mla = spec.mla
    latent = 0 if mla is None else spec.hidden * (mla.q_lora_rank + mla.kv_lora_rank + mla.qk_rope_head_dim)
    on_every_rank = spec.layers_count * (router + latent)
    divided = spec.active_parameters - embedding - on_every_rank
    assert weights_read(batch) == pytest.approx(2.0 * (divided / tp_count + on_every_rank), rel=0.03)


def test_llama_70b_matrix_work_of_a_prompt_is_two_flop_per_weight_and_token() -> None:
    batch = kernel_inventory(llm("llama-3.1-70b"), BF16, states((4096, 0, 0, 0)))
    gemms = [n for n in batch.names if n.endswith("_gemm") and n != "lm_head_gemm"]
    work = sum(total(batch, "work_flop", name=name) for name in gemms)
    layer_weights = 8192 * (8192 + 2 * 1024) + 8192 * 8192 + 3 * 8192 * 28672
    assert work == pytest.approx(2.0 * 80 * layer_weights * 4096)
    assert total(batch, "work_flop", name="attention_prefill") == pytest.approx(80 * 4 * 64 * 128 * 4096 * 4097 / 2)


def test_deepseek_decode_attention_reads_the_published_cache_of_576_bytes_per_token_and_layer() -> None:
    batch = kernel_inventory(llm("deepseek-r1"), Deployment(tp_count=8, kv_dtype="fp8"), states((0, 0, 4, 4 * 8192)))
    assert total(batch, "weight_bytes", name="attention_decode") == pytest.approx(4 * 8192 * 576 * 61)


def test_gpt_oss_sliding_layers_read_no_more_than_their_window() -> None:
    batch = kernel_inventory(llm("gpt-oss-120b"), BF16, states((0, 0, 10, 10 * 50_000), (0, 0, 10, 10 * 100)))
    per_token = 2 * 8 * 64 * 2
    assert total(batch, "weight_bytes", name="attention_decode_sliding") == 18 * 10 * 128 * per_token
    assert total(batch, "weight_bytes", name="attention_decode") == 18 * 10 * 50_000 * per_token
    assert total(batch, "weight_bytes", name="attention_decode_sliding", state=1) == 18 * 10 * 100 * per_token


def test_kernels_without_work_are_absent() -> None:
    batch = kernel_inventory(llm("gpt-oss-120b"), BF16, states((512, 0, 0, 0), (0, 0, 8, 8000), (0, 0, 0, 0)))
    assert not [name for name in names_in(batch, 0) if "decode" in name]
    assert not [name for name in names_in(batch, 1) if "prefill" in name]
    assert names_in(batch, 2) == []
    work = batch.work_flop + batch.vector_flop + batch.activation_bytes + batch.link_bytes
    assert (work > 0.0).all()


@pytest.mark.parametrize(("tp_count", "expected"), [(1, 0), (8, 160)])
def test_a_dense_model_reduces_twice_per_layer_over_more_than_one_rank(tp_count: int, expected: int) -> None:
    batch = kernel_inventory(llm("llama-3.1-70b"), Deployment(tp_count=tp_count), states((0, 0, 4, 400)))
    reduces = np.array([batch.names[code].endswith("all_reduce") for code in batch.name_code])
    assert batch.repeat_count[reduces].sum() == expected


def test_experts_over_all_ranks_exchange_tokens_and_hold_whole_experts() -> None:
    spec = llm("gpt-oss-120b")
    shared = kernel_inventory(spec, Deployment(tp_count=8), states((0, 0, 64, 6400)))
    spread = kernel_inventory(spec, Deployment(tp_count=8, ep_count=8), states((0, 0, 64, 6400)))
    assert "expert_dispatch_all_to_all" not in shared.names
    assert total(spread, "link_bytes", name="expert_dispatch_all_to_all") == pytest.approx(36 * 64 / 8 * 4 * 2880 * 2)
    for name in ("expert_gate_up_gemm", "expert_down_gemm"):
        assert total(spread, "weight_bytes", name=name) == pytest.approx(total(shared, "weight_bytes", name=name))
        assert total(spread, "work_flop", name=name) == pytest.approx(total(shared, "work_flop", name=name))


def test_active_experts_follow_the_occupancy_law() -> None:
    batch = kernel_inventory(llm("gpt-oss-120b"), BF16, states((0, 0, 1, 10), (0, 0, 32, 320), (4096, 0, 0, 0)))
    experts = batch.groups_count[[batch.names[c] == "expert_down_gemm" for c in batch.name_code]]
    rng = np.random.default_rng(0)
    drawn = [len({e for _ in range(32) for e in rng.choice(128, 4, replace=False)}) for _ in range(400)]
    assert experts[0] == pytest.approx(4.0)
    assert experts[1] == pytest.approx(np.mean(drawn), rel=0.01)
    assert experts[2] == pytest.approx(128.0)


def test_narrow_activations_are_quantised_by_kernels_of_their_own() -> None:
    spec = replace(llm("llama-3.1-70b"), weight_dtype="fp8")
    batch = kernel_inventory(spec, Deployment(tp_count=1, activation_dtype="fp8"), states((0, 0, 8, 800)))
    is_quantise = np.array([batch.names[code] == "quantize_activation" for code in batch.name_code])
    assert batch.repeat_count[is_quantise].sum() == 4 * 80
    assert "quantize_activation" not in kernel_inventory(spec, BF16, states((0, 0, 8, 800))).names


def test_prompt_share_splits_a_mixed_step_by_tokens() -> None:
    batch = kernel_inventory(llm("llama-3.1-70b"), BF16, states((96, 0, 32, 3200)))
    share = {batch.names[code]: s for code, s in zip(batch.name_code, batch.prefill_share, strict=True)}
    assert share["qkv_gemm"] == 0.75
    assert share["attention_prefill"] == 1.0
    assert share["attention_decode"] == 0.0
    assert share["lm_head_gemm"] == pytest.approx(1 / 33)


state_rows = st.tuples(
    st.sampled_from([0, 1, 17, 512, 8192]),
    st.sampled_from([0, 5, 4096]),
    st.sampled_from([0, 1, 33, 256]),
    st.integers(1, 5000),
).map(lambda row: (row[0], row[1], row[2], row[2] * row[3]))


@given(rows=st.lists(state_rows, min_size=1, max_size=5), llm_id=st.sampled_from(LLMS), tp=st.sampled_from([1, 8]))
def test_many_states_at_once_equal_each_state_alone(
    rows: list[tuple[float, float, float, float]], llm_id: str, tp: int
) -> None:
    spec, deployment = llm(llm_id), Deployment(tp_count=tp, ep_count=tp)
    together = kernel_inventory(spec, deployment, states(*rows))
    for index, row in enumerate(rows):
        alone = kernel_inventory(spec, deployment, states(row))
        chosen = together.state == index
        assert names_in(together, index) == names_in(alone, 0)
        for field in fields(KernelBatch):
            if field.name not in {"names", "name_code", "state"}:
                np.testing.assert_array_equal(getattr(together, field.name)[chosen], getattr(alone, field.name))


@pytest.mark.parametrize("row", [(-1, 0, 0, 0), (0, 0, 0, 5), (np.nan, 0, 0, 0)])
def test_impossible_states_are_refused(row: tuple[float, float, float, float]) -> None:
    with pytest.raises(BadStates):
        kernel_inventory(llm("llama-3.1-70b"), BF16, states(row))


@pytest.mark.parametrize("llm_id", LLMS)
def test_what_a_step_touches_is_what_its_kernels_read(llm_id: str) -> None:
    steps = states((100, 50, 0, 0), (0, 0, 7, 9000), (64, 0, 3, 400))
    batch = kernel_inventory(llm(llm_id), BF16, steps)
    read = np.bincount(batch.state, weights=batch.repeat_count * batch.weight_bytes)
    np.testing.assert_allclose(touched_bytes(kernel_columns(llm(llm_id), BF16, steps), 3), read, rtol=1e-12)
