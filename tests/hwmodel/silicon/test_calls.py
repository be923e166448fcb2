"""A call sheet against the timing laws themselves, one row at a time."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from hwmodel.catalog import DesignTable
from hwmodel.silicon.calls import PARTS, CallSheet, call, unmeasured
from hwmodel.silicon.families import GEMM
from hwmodel.timing import FIRST_CONSTANTS, time_kernels
from tests.hwmodel.silicon.planted import designs, products
from warehouse.contracts.vocabulary import KernelFamily

ROWS = pl.concat([products(shapes=12), products(("h200-sxm", "b200-sxm"), 6, dtype="fp8", seed=1)]).sample(
    fraction=1.0, shuffle=True, seed=3
)
"""In no order of chips, so that a row given another's time would show."""


def test_a_sheet_equals_the_kernels_of_each_row_timed_one_after_another() -> None:
    chips = designs()
    calls = GEMM.calls(ROWS)
    sheet = CallSheet(ROWS, calls, chips).physics(FIRST_CONSTANTS)
    for at, chip in enumerate(ROWS["chip"]):
        table = DesignTable.of([unmeasured(chips[chip], FIRST_CONSTANTS)])
        total = 0.0
        for position, one in enumerate(calls):
            resident = np.full(len(ROWS), np.inf) if one.resident_bytes is None else one.resident_bytes
            timing = time_kernels(table, one.batch.take(np.array([at])), resident_bytes=resident[at : at + 1])
            ran = float(timing.latency_s[0, 0]) if one.runs[at] else 0.0
            total += ran
            for part in PARTS:
                wanted = getattr(timing, part)[0, 0] if one.runs[at] else 0.0
                assert sheet.parts[f"{position}.{part}"][at] == pytest.approx(wanted)
        assert sheet.latency_s[at] == pytest.approx(max(total, sheet.bound_s[at]))


def test_only_formats_that_quantise_run_the_second_kernel() -> None:
    _, quantise = GEMM.calls(ROWS)
    assert quantise.runs.tolist() == (ROWS["dtype"] == "fp8").to_list()


def test_what_is_quantised_waits_in_l2_where_the_whole_call_fits_into_it() -> None:
    """1,000 rows of 4,096 fit into the L2 of a B200, 40,000 do not fit into that of an H200."""
    rows = pl.DataFrame({"chip": ["b200-sxm", "h200-sxm"], "dtype": "fp8", "m": [1000, 40000], "n": 4096, "k": 4096})
    sheet = CallSheet(rows, GEMM.calls(rows), designs()).physics(FIRST_CONSTANTS)
    moved = 5.0 * 40000 * 4096
    h200 = designs()["h200-sxm"]
    assert sheet.parts["1.hbm_s"][0] == 0.0
    assert sheet.parts["1.hbm_s"][1] == pytest.approx(moved / (h200.hbm_bytes_per_s * FIRST_CONSTANTS.hbm_ratio))


def test_the_bound_is_never_above_the_latency_and_hbm_never_above_the_bound() -> None:
    fast = replace(FIRST_CONSTANTS, matrix_ratio=1.0, hbm_ratio=1.0, launch_clk=1e-3, launch_s=1e-12)
    sheet = CallSheet(ROWS, GEMM.calls(ROWS), designs()).physics(fast)
    assert (sheet.bound_s <= sheet.latency_s).all()
    assert (sheet.hbm_bound_s <= sheet.bound_s).all()
    assert (sheet.hbm_bound_s > 0.0).all()


def test_the_bound_is_work_over_peak_or_bytes_over_bandwidth_worked_out_by_hand() -> None:
    rows = pl.DataFrame({"chip": ["h100-sxm"] * 2, "dtype": ["bfloat16"] * 2, "m": [8192, 1], "n": 8192, "k": 8192})
    sheet = CallSheet(rows, GEMM.calls(rows), designs()).physics(FIRST_CONSTANTS)
    chip = designs()["h100-sxm"]
    peak = 132 * 4096 * chip.clock_hz
    moved = 2.0 * (8192.0**2 + 8192 + 8192)
    assert sheet.bound_s[0] == pytest.approx(2.0 * 8192.0**3 / peak)
    assert sheet.bound_s[1] == pytest.approx(moved / (chip.hbm_stacks_count * chip.hbm_stack_bytes_per_s))


def test_a_measured_launch_latency_gives_way_to_clock_and_constants() -> None:
    chips = designs()
    slow = {name: replace(chip, launch_latency_s=1.0) for name, chip in chips.items()}
    calls = GEMM.calls(ROWS)
    same = CallSheet(ROWS, calls, slow).latency_s(FIRST_CONSTANTS)
    assert same.tolist() == CallSheet(ROWS, calls, chips).latency_s(FIRST_CONSTANTS).tolist()
    plain = replace(FIRST_CONSTANTS, launch_clk=2000.0, launch_s=1e-6)
    assert unmeasured(chips["h100-sxm"], plain).launch_latency_s == pytest.approx(
        2000.0 / chips["h100-sxm"].clock_hz + 1e-6
    )


def test_columns_that_are_not_named_are_nothing_and_counts_are_one() -> None:
    one = call(KernelFamily.VECTOR, 2, activation_bytes=np.array([1.0, 2.0]))
    assert one.runs.all()
    assert one.batch.activation_bytes.tolist() == [1.0, 2.0]
    assert one.batch.work_flop.tolist() == [0.0, 0.0]
    assert one.batch.groups_count.tolist() == [1.0, 1.0]
    assert one.batch.names == (KernelFamily.VECTOR.value,)
