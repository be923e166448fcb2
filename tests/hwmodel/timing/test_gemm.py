"""What a core draws and how waves come, worked out by hand where one part decides."""

from dataclasses import replace

import numpy as np
import pytest

from hwmodel.catalog import ChipDesign, DesignTable, design_of, load_catalog
from hwmodel.timing import FIRST_CONSTANTS, TimingConstants, time_kernels
from tests.hwmodel.timing.batches import batch_of

H100 = design_of(load_catalog().chip("h100-sxm"))
SYNCHRONOUS = replace(H100, overlap_exponent=2.6)
BARE = replace(FIRST_CONSTANTS, wave_clk=1e-3, k_step_clk=1e-3)
"""Without gaps between waves, so that time is matrix time."""


def latency_s(chip: ChipDesign, m: float, n: float, k: float, constants: TimingConstants = FIRST_CONSTANTS) -> float:
    one = batch_of(
        "gemm",
        1,
        m=m,
        n=n,
        k=k,
        work_flop=2.0 * m * n * k,
        weight_bytes=2.0 * n * k,
        activation_bytes=2.0 * m * (n + k),
    )
    return float(
        time_kernels(DesignTable.of([chip]), one, constants, resident_bytes=np.array([np.inf])).latency_s[0, 0]
    )


def test_a_core_alone_draws_its_sram_once_per_refill() -> None:
    """One tile of 16 x 64 on one core, slow to refill: 80 rows of 65,536 bf16 numbers, split over at most 16 cores."""
    slow = replace(FIRST_CONSTANTS, core_refill_clk=1e6, split_sync_clk=1e-3)
    per_core = 80.0 * 65536.0 / 16.0 * 2.0
    drawn_s = per_core / (H100.smem_bytes / 1e6 * H100.clock_hz)
    launch_s = H100.launch_latency_s
    assert latency_s(H100, 16, 64, 65536, slow) - launch_s == pytest.approx(drawn_s, rel=0.01)


def test_twice_the_sram_draws_twice_as_fast() -> None:
    slow = replace(FIRST_CONSTANTS, core_refill_clk=1e6, split_sync_clk=1e-3)
    wide = replace(H100, smem_bytes=2.0 * H100.smem_bytes)
    once, twice = (latency_s(chip, 16, 64, 65536, slow) - chip.launch_latency_s for chip in (H100, wide))
    assert once / twice == pytest.approx(2.0, rel=0.02)


def test_kernels_that_stay_share_out_the_last_wave_and_others_wait_for_it() -> None:
    """One row of tiles beyond a whole wave: 12 x 11 tiles of 128 x 256 fill 132 cores, 13 x 11 need another wave."""
    n, k = 11 * 256.0, 65536.0
    even = replace(BARE, whole_wave_ratio=1e-6)
    stays = latency_s(H100, 13 * 128, n, k, even) / latency_s(H100, 12 * 128, n, k, even)
    waits = latency_s(SYNCHRONOUS, 13 * 128, n, k, even) / latency_s(SYNCHRONOUS, 12 * 128, n, k, even)
    assert stays == pytest.approx(13.0 / 12.0, rel=0.02)
    assert waits > 1.15


def test_at_whole_waves_an_asynchronous_chip_waits_too() -> None:
    n, k = 11 * 256.0, 65536.0
    whole = replace(BARE, whole_wave_ratio=1.0)
    assert latency_s(H100, 13 * 128, n, k, whole) / latency_s(H100, 12 * 128, n, k, whole) > 1.15
