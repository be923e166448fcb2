"""Time of a (grouped) matrix product: the fastest of all legal tilings and splits of the reduction."""

from typing import Any

import numpy as np
from numba import njit

from hwmodel.timing.chip import VECTOR_MATH, Chip, clock_ratio, core_matrix_rate
from hwmodel.timing.parts import Kernel, Parts, missed_activation_bytes, missed_weight_bytes, overlapped
from hwmodel.timing.power import throttled

TILE_ROWS = np.array([16.0, 32.0, 64.0, 128.0, 256.0, 16.0, 32.0, 64.0, 128.0, 256.0, 16.0, 32.0, 64.0, 128.0])
TILE_COLUMNS = np.array([64.0, 64.0, 64.0, 64.0, 64.0, 128.0, 128.0, 128.0, 128.0, 128.0, 256.0, 256.0, 256.0, 256.0])
"""Tiles per core (CUTLASS default shapes); 256 x 256 would not leave room for its accumulators."""
SPLITS = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
"""Ways to divide the reduction."""
OPERAND_BYTES = np.array([2.0, 1.0, 0.53125, 1.0, 4.0])
"""Width of an operand on chip, by position in `MATH_DTYPES`."""
STEP = 64.0
"""Length of one reduction step on matrix units, to which `k_step_clk` refers."""
STEPS = np.array([STEP, STEP, STEP, STEP, 8.0])
"""Length of one reduction step, by position in `MATH_DTYPES`; kernels for vector lanes take 8 (cuBLAS SGEMM)."""
STAGES = 3.0
"""Reduction steps in flight (assumed: CUTLASS pipelines use 3 to 7)."""


@njit(nogil=True)
def gemm_time(kernel: Kernel, chip: Chip, law: Any) -> Parts:
    """Closed form of research/chip-models.md section 4, items 1 to 6, minimised over tilings and splits.

    T = launch + split + (matrix^p + L2^p + HBM^p)^(1/p), where matrix time comes in waves of tiles over cores, whole
    ones as far as `wholeness` says.
    Instead of the note's HBM derating min(1, 4 G/C), a core draws at most what its SRAM holds in flight (Little's
    law, `feed_bytes_per_s`): the same effect at few tiles, and never slower with more cores.
    """
    groups, m, n, k = kernel.groups_count, kernel.m, kernel.n, kernel.k
    weight_width = kernel.weight_bytes / (groups * n * k)
    row_width, step = OPERAND_BYTES[kernel.math_dtype_code], STEPS[kernel.math_dtype_code]
    hbm_bytes = hbm_traffic(kernel, chip, law, weight_width, row_width)
    hbm_s = hbm_bytes / (chip.hbm_bytes_per_s * law.hbm_ratio)
    l2_rate = chip.l2_bytes_per_s * law.l2_ratio
    rate = core_matrix_rate(chip, kernel.math_dtype_code) * law.matrix_ratio
    throttle = clock_ratio(chip, kernel.math_dtype_code)
    scale_s, scale_exponent = 0.0, max(1.0, law.scale_overlap_ratio * chip.overlap_exponent)
    if chip.core_fp4_flop_per_s <= chip.core_fp8_flop_per_s:
        scale_s = law.scale_work_ratio * kernel.vector_flop / max(groups * m * n * k, 1.0) / chip.core_vector_flop_per_s
    wave_s, feed_rate = law.wave_clk / chip.clock_hz, feed_bytes_per_s(kernel, chip, law)
    whole = wholeness(kernel, chip, law)
    best = Parts(np.inf, 0.0, 0.0, 0.0, 0.0, hbm_s, 0.0, 0.0, hbm_bytes)
    for tile in range(TILE_ROWS.size):
        tile_m, tile_n = TILE_ROWS[tile], TILE_COLUMNS[tile]
        loaded = min(tile_m, m) * row_width + min(tile_n, n) * weight_width
        if tile > 0 and (tile_m + tile_n) * row_width * step * STAGES > chip.smem_bytes:
            continue
        tiles_m, tiles_n = np.ceil(m / tile_m), np.ceil(n / tile_n)
        area = tile_m * tile_n
        multiply_s = 2.0 * step * (area + law.operand_feed_elements) / rate
        scaled_s = overlapped(scale_exponent, multiply_s, step * area * scale_s, 0.0)
        step_s = max(scaled_s, law.k_step_clk * (step / STEP) / chip.clock_hz)
        l2_loads = groups * k * (tiles_m * n * weight_width + tiles_n * m * row_width)
        steps = 2.0
        for split in SPLITS:
            if steps <= 1.0:
                break
            steps = np.ceil(k / (split * step))
            full = groups * tiles_m * tiles_n * split / chip.cores_count
            waves = max(full + whole * (np.ceil(full) - full), 1.0)
            matrix_s = waves * steps * multiply_s
            core_s = waves * steps * step_s + (waves - 1.0) * wave_s
            free_s, core_s = core_s, throttled(core_s, throttle, law.clock_settle_s)
            feed_s = waves * loaded * max(k / split, min(k, step)) / feed_rate
            l2_s = max(l2_loads / (l2_rate * law.shared_load_count), feed_s)
            fixed_s = chip.launch_latency_s
            if split > 1.0:
                fixed_s += 8.0 * split * groups * m * n / l2_rate + law.split_sync_clk / chip.clock_hz
            if fixed_s + max(core_s, l2_s, hbm_s) >= best.latency_s:
                continue
            if kernel.math_dtype_code == VECTOR_MATH:  # lanes that wait for memory draw no power
                latency_s = fixed_s + max(overlapped(chip.overlap_exponent, free_s, l2_s, hbm_s), core_s)
            else:
                latency_s = fixed_s + overlapped(chip.overlap_exponent, core_s, l2_s, hbm_s)
            if latency_s < best.latency_s:
                fixed_s += core_s - matrix_s
                best = Parts(latency_s, matrix_s, 0.0, 0.0, l2_s, hbm_s, 0.0, fixed_s, hbm_bytes)
    return best


@njit(nogil=True)
def wholeness(kernel: Kernel, chip: Chip, law: Any) -> float:
    """How far tiles come in whole waves.

    Where matrix units run by themselves, kernels stay on their cores and share out what is left of the last wave.
    """
    staying = 0.0 if kernel.math_dtype_code == VECTOR_MATH else chip.asynchrony_ratio
    return float(1.0 - (1.0 - law.whole_wave_ratio) * staying)


@njit(nogil=True)
def feed_bytes_per_s(kernel: Kernel, chip: Chip, law: Any) -> float:
    """Most that one core draws: its SRAM, refilled once per `core_refill_clk`; vector lanes load through registers."""
    if kernel.math_dtype_code == VECTOR_MATH:
        return float(law.core_feed_bytes_per_clk * chip.clock_hz)
    return float(chip.smem_bytes / law.core_refill_clk * chip.clock_hz)


@njit(nogil=True)
def hbm_traffic(kernel: Kernel, chip: Chip, law: Any, weight_width: float, row_width: float) -> float:
    """Compulsory HBM bytes, and what a large product reads again because its strips do not fit into L2.

    Half of the usable L2 holds a strip of one operand while the other streams past it, once per strip; a wave of
    tiles bounds the re-reads from above, because its cores share what they load.
    """
    usable = law.l2_resident_ratio * chip.l2_bytes
    weights, rows = kernel.n * kernel.k * weight_width, kernel.m * kernel.k * row_width
    wave_side = 128.0 * np.sqrt(chip.cores_count)
    strips_n = min(np.ceil(weights / (0.5 * usable)), np.ceil(kernel.n / wave_side))
    strips_m = min(np.ceil(rows / (0.5 * usable)), np.ceil(kernel.m / wave_side))
    again_rows = max(rows - 0.5 * usable, 0.0) * max(strips_n - 1.0, 0.0)
    again_weights = max(weights - 0.5 * usable, 0.0) * max(strips_m - 1.0, 0.0)
    compulsory = missed_weight_bytes(kernel, chip, law) + missed_activation_bytes(kernel, chip, law)
    return float(compulsory + kernel.groups_count * min(again_rows, again_weights))
