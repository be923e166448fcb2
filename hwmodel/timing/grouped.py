"""Time of the products of a mixture's experts: many groups of rows in one kernel, each with weights of its own."""

from typing import Any

import numpy as np
from jaxtyping import Float
from numba import njit
from scipy.special import gammaln

from hwmodel.timing.chip import Chip, clock_ratio, core_matrix_rate
from hwmodel.timing.gemm import OPERAND_BYTES, STAGES, STEP
from hwmodel.timing.parts import Kernel, Parts, missed_activation_bytes, missed_weight_bytes, overlapped
from hwmodel.timing.power import throttled

GROUPED_ROWS = np.array([8.0, 16.0, 32.0, 64.0, 128.0, 256.0])
"""Heights of tiles; the low ones are columns of the instruction (operands swapped)."""
GROUPED_COLUMNS = np.array([64.0, 128.0, 256.0])
LARGEST_AREA = 128.0 * 256.0
"""Elements that the accumulators of a core hold."""
EVEN_LOG = 1e-4
"""Spread below which groups count as equal."""
VAGUE_RATIO = 0.1
"""Width of the number of tiles around its mean where routing is drawn. Assumed; a balanced routing has none."""
WIDENED_ROWS = 64.0
"""Rows that one widening of weights serves (assumed: the tallest tile of Marlin's kernels)."""
NARROWER = 0.99
"""Stored width over multiplied width below which weights are widened on chip."""


def row_tiles(
    groups_count: Float[np.ndarray, "kernels"],
    rows: Float[np.ndarray, "kernels"],
    spread_log: Float[np.ndarray, "kernels"],
) -> Float[np.ndarray, "kernels heights"]:
    """Tiles of all groups by tile height: groups E[ceil(X / height)], a group's last tile being only partly full.

    X is spread evenly in logarithm over [low, high] with high = low e^d and mean `rows`: for d = 0 every group has as
    many rows. P(X > j) summed over whole j gives the mean in closed form, with log j! for the sum of logs. Against
    measured routings (silicon.routing), d from the second moment, it is right within 0.7 % on average.

    Args:
        groups_count: Groups with at least one row.
        rows: Mean rows per group.
        spread_log: d.
    """
    even = spread_log < EVEN_LOG
    spread = np.where(even, 1.0, spread_log)
    heights = GROUPED_ROWS[None, :]
    most = (rows * spread / -np.expm1(-spread))[:, None] / heights
    least = (rows * spread / np.expm1(spread))[:, None] / heights
    full, last = np.maximum(np.ceil(least) - 1.0, 0.0), np.floor(most)
    between = np.maximum(last - full, 0.0)
    logs = np.where(between > 0.0, gammaln(np.maximum(last, full) + 1.0) - gammaln(full + 1.0), 0.0)
    uneven = 1.0 + full + np.maximum(between * np.log(most) - logs, 0.0) / spread[:, None]
    return groups_count[:, None] * np.where(even[:, None], np.ceil(rows[:, None] / heights), uneven)


@njit(nogil=True)
def mean_waves(fill: float, vague: float) -> float:
    """Mean of ceil(x) for x even between (1 - vague) fill and (1 + vague) fill.

    Where routing is drawn, the tiles of a step are known on average only, and the waves of the mean are not the mean
    of the waves. The integral of ceil from 0 to x is n (n + 1) / 2 + (n + 1) (x - n) with n = floor(x).
    """
    if vague <= 0.0:
        return float(np.ceil(fill))
    low, high = (1.0 - vague) * fill, (1.0 + vague) * fill
    below, above = np.floor(low), np.floor(high)
    if below == above:
        return float(below + 1.0)
    whole = 0.5 * (above * (above + 1.0) - below * (below + 1.0))
    return float((whole + (above + 1.0) * (high - above) - (below + 1.0) * (low - below)) / (high - low))


@njit(nogil=True)
def grouped_time(kernel: Kernel, chip: Chip, law: Any) -> Parts:
    """Fastest of the tilings; all groups share one height, so that padding is what the fuller groups leave to others.

    T = launch + start + (core^p + L2^p + HBM^p)^(1/p) with p near 1: a grouped kernel begins a group by loading, with
    nothing to multiply yet. Weights of active groups come from HBM once; activations stay in L2 where they fit.
    """
    n, k = kernel.n, kernel.k
    rows = kernel.m * kernel.groups_count
    weight_width = kernel.weight_bytes / (kernel.groups_count * n * k)
    row_width = OPERAND_BYTES[kernel.math_dtype_code]
    hbm_bytes = missed_weight_bytes(kernel, chip, law) + missed_activation_bytes(kernel, chip, law)
    hbm_s = hbm_bytes / (chip.hbm_bytes_per_s * law.grouped_hbm_ratio)
    l2_rate = chip.l2_bytes_per_s * law.l2_ratio * law.grouped_shared_load_count
    rate = core_matrix_rate(chip, kernel.math_dtype_code) * law.matrix_ratio
    throttle = clock_ratio(chip, kernel.math_dtype_code)
    has_narrow = chip.core_fp4_flop_per_s > chip.core_fp8_flop_per_s
    scale_s, widen_s = 0.0, 0.0
    if not has_narrow:
        scale_s = kernel.vector_flop / max(rows * n * k, 1.0) / chip.core_vector_flop_per_s
    if weight_width < NARROWER * row_width and (kernel.math_dtype_code == 0 or not has_narrow):
        widen_s = law.grouped_widen_flop / chip.core_vector_flop_per_s
    floor_s, wave_s = law.grouped_k_step_clk / chip.clock_hz, law.grouped_wave_clk / chip.clock_hz
    fixed_s = chip.launch_latency_s + law.grouped_start_clk / chip.clock_hz
    exponent = min(chip.overlap_exponent, law.grouped_overlap_exponent)
    steps = np.ceil(k / STEP)
    vague = VAGUE_RATIO * min(kernel.spread_log, 1.0)
    tiles_of = (kernel.tiles_8, kernel.tiles_16, kernel.tiles_32, kernel.tiles_64, kernel.tiles_128, kernel.tiles_256)
    best = Parts(np.inf, 0.0, 0.0, 0.0, 0.0, hbm_s, 0.0, 0.0, hbm_bytes)
    for tile in range(GROUPED_ROWS.size):
        tile_m, tiles_m = GROUPED_ROWS[tile], tiles_of[tile]
        passes = max(tile_m / WIDENED_ROWS, 1.0)
        for tile_n in GROUPED_COLUMNS:
            area = tile_m * tile_n
            fits = (tile_m + tile_n) * row_width * STEP * STAGES <= chip.smem_bytes and area <= LARGEST_AREA
            if not fits and best.latency_s < np.inf:
                continue
            tiles_n = np.ceil(n / tile_n)
            waves = max(mean_waves(tiles_m * tiles_n / chip.cores_count, vague), 1.0)
            multiply_s = 2.0 * STEP * (area + law.operand_feed_elements) / rate
            step_s = max(multiply_s + STEP * (area * scale_s + passes * tile_n * widen_s), floor_s)
            core_s = throttled(waves * (steps * step_s + wave_s), throttle, law.clock_settle_s)
            l2_s = k * (tiles_m * n * weight_width + tiles_n * rows * row_width) / l2_rate
            if fixed_s + max(core_s, l2_s, hbm_s) >= best.latency_s:
                continue
            latency_s = fixed_s + overlapped(exponent, core_s, l2_s, hbm_s)
            if latency_s < best.latency_s:
                matrix_s = waves * steps * multiply_s
                best = Parts(latency_s, matrix_s, 0.0, 0.0, l2_s, hbm_s, 0.0, fixed_s + core_s - matrix_s, hbm_bytes)
    return best
