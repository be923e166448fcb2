"""Grouped products: tiles of uneven groups against counting, and what a group costs against one product."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwmodel.catalog import DesignTable
from hwmodel.kernels import KernelBatch
from hwmodel.timing import FIRST_CONSTANTS, time_kernels
from hwmodel.timing.grouped import GROUPED_ROWS, mean_waves, row_tiles
from tests.hwmodel.timing.batches import batch_of
from tests.hwmodel.timing.random_cases import h100


def one(value: float) -> np.ndarray:
    return np.array([value])


def experts(
    *, groups: float = 64.0, m: float = 96.0, weight_bytes: float = 2.0, vector_flop: float = 0.0, spread: float = 0.0
) -> KernelBatch:
    n, k = 4096.0, 2048.0
    return batch_of(
        "moe_gemm",
        1,
        m=m,
        n=n,
        k=k,
        groups_count=groups,
        spread_log=spread,
        work_flop=2.0 * groups * m * n * k,
        vector_flop=vector_flop,
        weight_bytes=groups * n * k * weight_bytes,
        activation_bytes=2.0 * groups * m * (n + k),
    )


def seconds(batch: KernelBatch, **constants: float) -> float:
    law = replace(FIRST_CONSTANTS, **constants)
    return float(time_kernels(DesignTable.of([h100()]), batch, law, resident_bytes=one(np.inf)).latency_s[0, 0])


def test_even_groups_have_whole_tiles_each() -> None:
    """100 groups of 33 rows: 5 tiles of 8, 3 of 16, 2 of 32, 1 of any larger height."""
    np.testing.assert_array_equal(row_tiles(one(100.0), one(33.0), one(0.0))[0], [500, 300, 200, 100, 100, 100])


@pytest.mark.parametrize(("low", "high"), [(3.0, 700.0), (0.4, 30.0), (40.0, 60.0), (1.0, 2e5)])
def test_uneven_groups_have_the_tiles_that_counting_gives(low: float, high: float) -> None:
    """A million groups, their rows at even steps of the logarithm."""
    groups = np.exp(np.log(low) + (np.arange(1_000_000) + 0.5) / 1e6 * np.log(high / low))
    counted = np.ceil(groups[:, None] / GROUPED_ROWS).mean(axis=0)
    told = row_tiles(one(1.0), one(groups.mean()), one(np.log(high / low)))[0]
    np.testing.assert_allclose(told, counted, rtol=2e-4)


def test_ten_experts_counted_by_hand_are_near_the_law() -> None:
    """Loads 1 2 3 5 8 13 21 34 55 89 grow by a constant factor: spread log 89; tiles of 16: 6 of one, then 2 3 4 6."""
    loads = np.array([1, 2, 3, 5, 8, 13, 21, 34, 55, 89], dtype=float)
    by_hand = 6 + 2 + 3 + 4 + 6
    assert np.ceil(loads / 16.0).sum() == by_hand
    told = row_tiles(one(10.0), one(loads.mean()), one(np.log(89.0)))[0, 1]
    assert told == pytest.approx(by_hand, rel=0.08)


@given(rows=st.floats(0.3, 1e5), spread=st.floats(0.0, 60.0), groups=st.floats(1.0, 500.0), growth=st.floats(1.0, 3.0))
def test_tiles_cover_the_rows_and_waste_less_than_one_per_group(
    rows: float, spread: float, groups: float, growth: float
) -> None:
    tiles = row_tiles(one(groups), one(rows), one(spread))[0]
    assert (tiles >= groups * np.maximum(rows / GROUPED_ROWS, 1.0) * (1.0 - 1e-9)).all()
    assert (tiles <= groups * (rows / GROUPED_ROWS + 1.0) * (1.0 + 1e-9)).all()
    grown = row_tiles(one(groups), one(rows * growth), one(spread))[0]
    assert (grown >= tiles * (1.0 - 1e-9)).all()


def test_many_groups_cost_more_than_the_same_rows_in_few() -> None:
    assert seconds(experts(groups=128.0, m=48.0)) > seconds(experts(groups=64.0, m=96.0))


def test_uneven_groups_fill_the_cores_with_padding_when_work_binds() -> None:
    """Groups of 512 rows even: no padding at any height; spread over e^6 many are nearly empty tiles of their own."""
    even, uneven = experts(m=512.0), experts(m=512.0, spread=6.0)
    assert seconds(uneven) > 1.05 * seconds(even)


def test_weights_stored_narrow_need_widening_in_bf16() -> None:
    narrow = experts(m=4096.0, weight_bytes=0.53125)
    assert seconds(narrow, grouped_widen_flop=20.0) > 1.2 * seconds(narrow, grouped_widen_flop=0.01)
    wide = experts(m=4096.0)
    assert seconds(wide, grouped_widen_flop=20.0) == seconds(wide, grouped_widen_flop=0.01)


def test_reading_active_weights_once_sets_the_time_of_few_rows() -> None:
    """256 experts of 16 MiB at 3.35 TB/s: 1.28 ms ideal; launch and start are microseconds."""
    batch = experts(groups=256.0, m=1.0)
    ideal_s = 256 * 4096 * 2048 * 2.0 / h100().hbm_bytes_per_s
    assert ideal_s < seconds(batch) < 1.35 * ideal_s


def test_scaling_partial_sums_takes_time_from_the_cores() -> None:
    scaled = experts(m=4096.0, vector_flop=4.0 * 64 * 4096.0 * 4096 * 2048 / 128)
    assert seconds(scaled) > 1.15 * seconds(experts(m=4096.0))


@pytest.mark.parametrize(("fill", "vague"), [(0.3, 0.1), (1.0, 0.1), (1.95, 0.1), (7.3, 0.1), (40.0, 0.05), (3.0, 0.0)])
def test_waves_of_a_vague_number_of_tiles_are_the_mean_of_whole_ones(fill: float, vague: float) -> None:
    even = fill * (1.0 + vague * np.linspace(-1.0, 1.0, 2_000_001))
    assert mean_waves(fill, vague) == pytest.approx(np.ceil(even).mean(), rel=1e-5)
