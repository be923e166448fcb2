"""Steps of known models on known chips against bounds worked out by hand, and the rules at the edges."""

from dataclasses import replace

import numpy as np
import pytest

from hwmodel.catalog import Deployment, DesignTable
from hwmodel.kernels import kernel_inventory
from hwmodel.timing import step_time_s, time_kernels
from tests.hwmodel.kernels.steps import llm, states
from tests.hwmodel.timing.batches import batch_of
from tests.hwmodel.timing.random_cases import gemm_kernels, h100, prefill_kernels
from warehouse.contracts.vocabulary import BindingResource

H100 = DesignTable.of([h100()])


def one_gemm(m: float, n: float, k: float, dtype_code: int = 0) -> dict[str, np.ndarray]:
    del dtype_code
    return {name: np.array([float(value)]) for name, value in (("m", m), ("n", n), ("k", k), ("groups", 1))}


def test_llama_70b_decode_on_eight_h100_takes_longer_than_its_weights_and_less_than_twice_that() -> None:
    kernels = kernel_inventory(llm("llama-3.1-70b"), Deployment(tp_count=8, kv_dtype="bf16"), states((0, 0, 1, 1000)))
    step = step_time_s(time_kernels(H100, kernels), kernels, 1, host_s=0.0)[0, 0]
    weights_s = 2.0 * 69.5e9 / 8 / 3.35e12  # 70.6 G parameters less the embedding table, 5.2 ms
    assert weights_s < step < 2.5 * weights_s


def test_deepseek_r1_fp8_decode_of_one_sequence_is_bound_by_latency_more_than_by_weights() -> None:
    deployment = Deployment(tp_count=8, activation_dtype="fp8", attention_dtype="fp8")
    kernels = kernel_inventory(llm("deepseek-r1"), deployment, states((0, 0, 1, 1000)))
    timing = time_kernels(H100, kernels)
    fixed = (timing.fixed_s[0] * kernels.repeat_count).sum()
    hbm = (timing.hbm_s[0] * kernels.repeat_count).sum()
    assert fixed > hbm


def test_a_large_matrix_product_binds_on_the_matrix_unit_at_its_measured_share_of_peak() -> None:
    timing = time_kernels(H100, gemm_kernels(one_gemm(8192, 8192, 8192), 0))
    share = 2 * 8192**3 / (132 * 4096 * 1.83e9) / timing.latency_s[0, 0]
    assert tuple(BindingResource)[timing.binding_code[0, 0]] is BindingResource.MATRIX
    assert 0.70 < share < 0.90  # published in hardware-lanes section 6: 0.78 at m >= 4096 on H100


def test_a_vector_matrix_product_of_large_weights_binds_on_hbm_at_its_measured_share() -> None:
    timing = time_kernels(H100, gemm_kernels(one_gemm(1, 16384, 16384), 0))
    share = 2 * 16384**2 / 3.35e12 / timing.latency_s[0, 0]
    assert tuple(BindingResource)[timing.binding_code[0, 0]] is BindingResource.HBM
    assert 0.72 < share < 0.86  # published in hardware-lanes section 6: 0.84 for at least 128 M elements


def test_long_attention_on_a_chip_with_few_exponent_units_binds_on_them() -> None:
    sizes = {"heads": 32.0, "queries": 8192.0, "context": 0.0, "dim": 64.0}
    kernels = prefill_kernels({name: np.array([value]) for name, value in sizes.items()}, 0)
    chip = DesignTable.of([replace(h100(), exponent_per_clk=4.0)])
    assert tuple(BindingResource)[time_kernels(chip, kernels).binding_code[0, 0]] is BindingResource.EXPONENT


def test_a_missing_data_type_runs_at_the_next_wider_one() -> None:
    no_fp4 = time_kernels(H100, gemm_kernels(one_gemm(8192, 8192, 8192), 2)).matrix_s
    fp8 = time_kernels(H100, gemm_kernels(one_gemm(8192, 8192, 8192), 1)).matrix_s
    bf16 = time_kernels(H100, gemm_kernels(one_gemm(8192, 8192, 8192), 0)).matrix_s
    assert no_fp4[0, 0] == pytest.approx(fp8[0, 0], rel=0.1)
    assert bf16[0, 0] == pytest.approx(2.0 * fp8[0, 0], rel=0.1)


def test_weights_come_from_l2_only_when_the_whole_step_fits() -> None:
    kernels = kernel_inventory(llm("llama-3.1-70b"), Deployment(tp_count=8), states((0, 0, 1, 1000)))
    huge = DesignTable.of([replace(h100(), l2_bytes=100e9)])
    assert time_kernels(huge, kernels).hbm_bytes.sum() == 0.0
    gemms = [kernels.names[code] == "mlp_down_gemm" for code in kernels.name_code]
    resident = time_kernels(H100, kernels).hbm_bytes[0, gemms]
    assert resident == pytest.approx(kernels.weight_bytes[gemms])


def test_collectives_choose_one_shot_when_small_and_two_passes_when_large() -> None:
    kernels = batch_of("collective", 2, link_bytes=np.array([1024.0, 1e9]), ranks_count=8.0)
    timing = time_kernels(H100, kernels)
    assert timing.latency_s[0, 0] == pytest.approx(3.07e-6, rel=0.05)
    assert 1.75e9 / 450e9 < timing.latency_s[0, 1] < 1.4 * 1.75e9 / 450e9


def test_a_collective_beyond_the_scale_up_domain_is_slower() -> None:
    kernels = batch_of("collective", 2, link_bytes=1e6, ranks_count=np.array([8.0, 9.0]))
    inside, outside = time_kernels(H100, kernels).latency_s[0]
    assert outside > 3.0 * inside


def test_no_kernels_give_an_empty_table() -> None:
    kernels = kernel_inventory(llm("llama-3.1-70b"), Deployment(tp_count=1), states((0, 0, 0, 0)))
    timing = time_kernels(H100, kernels)
    assert timing.latency_s.shape == (1, 0)
    assert step_time_s(timing, kernels, 1, host_s=1.0).tolist() == [[0.0]]
