"""Energy and power: sums, bounds that published and measured power set, and directions."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwmodel.catalog import ChipDesign, DesignTable
from hwmodel.physical import (
    kernel_energy,
    kernel_energy_j,
    matrix_j_per_flop,
    peak_power_w,
    static_power_w,
    voltage_v,
)
from tests.hwmodel.physical.random_designs import H100, chips, designs

KERNELS: dict[str, Any] = {
    "matrix_flop": np.array([1e12, 0.0, 3e10]),
    "dtype_code": np.array([0, 1, 2]),
    "vector_flop": np.array([1e9, 2e9, 0.0]),
    "l2_bytes": np.array([1e9, 0.0, 5e8]),
    "hbm_bytes": np.array([2e9, 1e9, 0.0]),
    "link_bytes": np.array([0.0, 1e8, 0.0]),
}
WORK = ("matrix_flop", "vector_flop", "l2_bytes", "hbm_bytes", "link_bytes")


@given(design=designs())
def test_energy_is_the_sum_of_its_parts(design: ChipDesign) -> None:
    table = DesignTable.of([design, H100])
    energy = kernel_energy(table, **KERNELS)
    parts = energy.matrix_j + energy.vector_j + energy.l2_j + energy.hbm_j + energy.link_j
    assert parts.shape == (2, 3)
    assert np.allclose(energy.total_j, parts)
    assert np.allclose(kernel_energy_j(table, **KERNELS), parts)


@given(design=designs(), name=st.sampled_from(WORK), factor=st.floats(1.1, 10.0))
def test_more_work_never_takes_less_energy(design: ChipDesign, name: str, factor: float) -> None:
    table = DesignTable.of([design])
    more = KERNELS | {name: KERNELS[name] * factor}
    gain = kernel_energy_j(table, **more) - kernel_energy_j(table, **KERNELS)
    assert np.all(gain >= 0.0)
    assert np.any(gain > 0.0)


def test_no_work_takes_no_energy_and_energy_is_linear_in_work() -> None:
    table = chips("h100-sxm", "b200-sxm")
    nothing = {name: KERNELS[name] * 0.0 for name in WORK} | {"dtype_code": KERNELS["dtype_code"]}
    double = {name: KERNELS[name] * 2.0 for name in WORK} | {"dtype_code": KERNELS["dtype_code"]}
    assert np.all(kernel_energy_j(table, **nothing) == 0.0)
    assert np.allclose(kernel_energy_j(table, **double), 2.0 * kernel_energy_j(table, **KERNELS))


def test_traffic_may_differ_by_design() -> None:
    table = chips("h100-sxm", "b200-sxm")
    by_design = np.stack([KERNELS["hbm_bytes"], 3.0 * KERNELS["hbm_bytes"]])
    energy = kernel_energy(table, **(KERNELS | {"hbm_bytes": by_design}))
    assert np.allclose(energy.hbm_j[0], kernel_energy(table, **KERNELS).hbm_j[0])
    assert np.allclose(energy.hbm_j[1], 3.0 * kernel_energy(table, **KERNELS).hbm_j[1])


@pytest.mark.parametrize(
    ("chip", "dtype_code", "all_in_pj"),
    # TDP over dense peak, from data sheets: nothing on the chip may take more than this
    [
        ("a100-sxm-80", 0, 1.28), ("h100-sxm", 0, 0.71), ("h100-sxm", 1, 0.35), ("b200-sxm", 0, 0.44),
        ("b200-sxm", 1, 0.22), ("b200-sxm", 2, 0.11),
    ],
)  # fmt: skip
def test_a_matrix_flop_takes_less_than_tdp_over_peak(chip: str, dtype_code: int, all_in_pj: float) -> None:
    assert 0.2 * all_in_pj < matrix_j_per_flop(chips(chip))[0, dtype_code] * 1e12 < all_in_pj


def test_narrow_formats_take_less_and_an_absent_one_runs_as_bf16() -> None:
    b200, h100 = matrix_j_per_flop(chips("b200-sxm", "h100-sxm"))
    assert b200[2] < b200[1] < b200[0]
    assert h100[2] == h100[0]


def test_a_memory_bound_b200_draws_about_its_measured_power() -> None:
    # aiconfigurator, b200_sxm vLLM 0.22.0: median board power of 38,468 decode-attention runs is 391 W
    table = chips("b200-sxm")
    seconds, share = 1.0, 0.77  # share of HBM bandwidth that large bf16 reads reach on B200
    none = np.zeros(1)
    traffic = np.array([share * 8.0e12 * seconds])
    energy = kernel_energy_j(
        table, matrix_flop=none, dtype_code=np.zeros(1, dtype=np.int64), vector_flop=none, l2_bytes=traffic,
        hbm_bytes=traffic, link_bytes=none,
    )  # fmt: skip
    assert static_power_w(table)[0] + energy[0, 0] / seconds == pytest.approx(391.0, rel=0.15)


def test_static_power_is_near_the_idle_power_of_known_chips() -> None:
    a100, h100 = static_power_w(chips("a100-sxm-80", "h100-sxm"))
    assert a100 == pytest.approx(55.0, rel=0.35)  # 50 to 60 W
    assert 70.0 <= h100 <= 100.0


def test_shipping_chips_fit_their_own_tdp_at_the_declared_load_but_for_mi300x() -> None:
    ids = ("a100-sxm-80", "h100-sxm", "h200-sxm", "b200-sxm", "b300-sxm", "gb200-nvl72", "gb300-nvl72", "mi325x",
           "mi355x", "mi300x")  # fmt: skip
    table = chips(*ids)
    ratio = peak_power_w(table) / table.tdp_w
    assert np.all((ratio[:-1] > 0.6) & (ratio[:-1] <= 1.0))
    assert 1.0 < ratio[-1] < 1.4  # its 2.1 GHz is a boost clock that large GEMMs do not hold at 750 W


@given(
    design=designs(),
    factor=st.floats(1.05, 2.0),
    name=st.sampled_from(
        ["cores_count", "clock_hz", "hbm_stacks_count", "link_bytes_per_s", "l2_bytes_per_clk", "vector_flop_per_clk"]
    ),
)
def test_more_cores_clock_memory_or_links_need_more_power(design: ChipDesign, factor: float, name: str) -> None:
    base, more = peak_power_w(DesignTable.of([design, replace(design, **{name: getattr(design, name) * factor})]))
    assert more > base


@given(design=designs())
def test_peak_power_exceeds_static_power(design: ChipDesign) -> None:
    table = DesignTable.of([design])
    assert 0.0 < static_power_w(table)[0] < peak_power_w(table)[0]


def test_voltage_follows_the_declared_line() -> None:
    assert np.allclose(voltage_v(np.array([0.9e9, 2.4e9])), [0.65, 1.05], atol=0.002)


def test_dynamic_energy_follows_the_square_of_voltage() -> None:
    slow, fast = DesignTable.of([replace(H100, clock_hz=0.9e9)]), DesignTable.of([replace(H100, clock_hz=2.4e9)])
    squared = (voltage_v(fast.clock_hz) / voltage_v(slow.clock_hz)) ** 2
    assert matrix_j_per_flop(fast)[0, 0] / matrix_j_per_flop(slow)[0, 0] == pytest.approx(squared[0])
