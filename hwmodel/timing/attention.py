"""Time of attention: prompt chunks in causal tiles, decoding with the cache split over cores, linear attention."""

from typing import Any

import numpy as np
from numba import njit

from hwmodel.timing.chip import Chip, core_matrix_rate
from hwmodel.timing.parts import Kernel, Parts, missed_activation_bytes, missed_weight_bytes, overlapped

QUERY_TILES = np.array([16.0, 32.0, 64.0, 128.0, 192.0, 256.0])
"""Query rows per work item (FlashAttention uses 64 to 192; small ones serve short chunks)."""
SPLITS = np.array([1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0, 48.0, 64.0, 96.0, 128.0])
"""Ways to divide one sequence's cache."""
KEY_TILE = 64.0
"""Keys per step."""
MATRIX_ROWS = 16.0
"""Rows of the smallest matrix instruction: fewer query heads are padded to it."""


@njit(nogil=True)
def softmax_overlap(overlap_ratio: float, matrix_s: float, exponent_s: float, vector_s: float) -> float:
    """Core time of attention: the slowest unit, and the part of the others that does not hide behind it."""
    slowest = max(matrix_s, exponent_s, vector_s)
    return slowest + (1.0 - overlap_ratio) * (matrix_s + exponent_s + vector_s - slowest)


@njit(nogil=True)
def prefill_time(kernel: Kernel, chip: Chip, law: Any) -> Parts:
    """Causal attention of a chunk (research/chip-models.md section 4, item 7), fastest of the query tiles.

    Work items (heads x query tiles) differ in length; the longest go first, so that the time is the larger of the
    average load per core and the longest item.
    """
    pairs = max(kernel.exponent_count, 1.0)
    flop_per_pair, vector_per_pair = kernel.work_flop / pairs, kernel.vector_flop / pairs
    rate = core_matrix_rate(chip, kernel.math_dtype_code) * law.attention_matrix_ratio
    hbm_bytes = missed_weight_bytes(kernel, chip, law) + missed_activation_bytes(kernel, chip, law)
    hbm_s = hbm_bytes / (chip.hbm_bytes_per_s * law.hbm_ratio)
    mean_keys = pairs / (kernel.parallel_count * max(kernel.m, 1.0))
    key_bytes = 4.0 * kernel.k
    start_s = chip.launch_latency_s + law.attention_start_clk / chip.clock_hz
    best = Parts(np.inf, 0.0, 0.0, 0.0, 0.0, hbm_s, 0.0, 0.0, hbm_bytes)
    for tile in QUERY_TILES:
        rows = min(tile, np.ceil(kernel.m / MATRIX_ROWS) * MATRIX_ROWS)
        if tile > QUERY_TILES[0] and 2.0 * (tile + 2.0 * KEY_TILE) * kernel.k * 2.0 > chip.smem_bytes:
            continue
        items = kernel.parallel_count * np.ceil(kernel.m / tile)
        edge = (rows + KEY_TILE) / 2.0 * kernel.m * kernel.parallel_count
        share = max((pairs + edge) / chip.cores_count, rows * kernel.n)
        used = (tile * KEY_TILE + law.operand_feed_elements) / (tile * KEY_TILE)
        matrix_s = share * flop_per_pair * used / rate
        exponent_s = share / chip.core_exponent_per_s
        vector_s = share * vector_per_pair / chip.core_vector_flop_per_s
        floor_s = np.ceil(kernel.n / KEY_TILE) * law.attention_step_clk / chip.clock_hz
        core_s = max(softmax_overlap(law.attention_overlap_ratio, matrix_s, exponent_s, vector_s), floor_s)
        waves = max(np.ceil(items / chip.cores_count), 1.0)
        fixed_s = start_s + (waves - 1.0) * law.wave_clk / chip.clock_hz
        loaded = max(items * mean_keys / chip.cores_count, kernel.n) * key_bytes
        feed_s = loaded / (law.core_feed_bytes_per_clk * chip.clock_hz)
        l2_s = max(items * mean_keys * key_bytes / (chip.l2_bytes_per_s * law.l2_ratio), feed_s)
        latency_s = fixed_s + overlapped(chip.overlap_exponent, core_s, l2_s, hbm_s)
        if latency_s < best.latency_s:
            best = Parts(latency_s, matrix_s, vector_s, exponent_s, l2_s, hbm_s, 0.0, fixed_s, hbm_bytes)
    return best


@njit(nogil=True)
def decode_time(kernel: Kernel, chip: Chip, law: Any) -> Parts:
    """Attention of one token per sequence, fastest of the splits of the cache over cores.

    A split of the cache costs a second pass that combines partial results: 2 split items group width 4 bytes
    through L2, and a synchronisation (research/chip-models.md section 4, item 7).
    """
    keys = max(kernel.n, 1.0)
    padded = np.ceil(kernel.m / MATRIX_ROWS) * MATRIX_ROWS / max(kernel.m, 1.0)
    per_key = 1.0 / (kernel.parallel_count * keys)
    flop, vector_flop = kernel.work_flop * padded * per_key, kernel.vector_flop * per_key
    exponents, bytes_per_key = kernel.exponent_count * per_key, kernel.weight_bytes * per_key
    rate = core_matrix_rate(chip, kernel.math_dtype_code) * law.attention_matrix_ratio
    rate *= MATRIX_ROWS * KEY_TILE / (MATRIX_ROWS * KEY_TILE + law.operand_feed_elements)
    hbm_bytes = missed_weight_bytes(kernel, chip, law) + missed_activation_bytes(kernel, chip, law)
    hbm_s = hbm_bytes / (chip.hbm_bytes_per_s * law.hbm_ratio)
    l2_rate = chip.l2_bytes_per_s * law.l2_ratio
    start_s = chip.launch_latency_s + law.attention_start_clk / chip.clock_hz
    best = Parts(np.inf, 0.0, 0.0, 0.0, 0.0, hbm_s, 0.0, 0.0, hbm_bytes)
    steps = 2.0
    for split in SPLITS:
        if steps <= 1.0:
            break
        steps = np.ceil(keys / (split * KEY_TILE))
        waves = max(np.ceil(kernel.parallel_count * split / chip.cores_count), 1.0)
        share = waves * min(steps * KEY_TILE, max(keys, MATRIX_ROWS))
        matrix_s = share * flop / rate
        exponent_s = share * exponents / chip.core_exponent_per_s
        vector_s = share * vector_flop / chip.core_vector_flop_per_s
        floor_s = waves * steps * law.attention_step_clk / chip.clock_hz
        core_s = max(softmax_overlap(law.attention_overlap_ratio, matrix_s, exponent_s, vector_s), floor_s)
        feed_s = share * bytes_per_key / (law.core_feed_bytes_per_clk * chip.clock_hz)
        l2_s = max(kernel.weight_bytes / l2_rate, feed_s)
        fixed_s = start_s + (waves - 1.0) * law.decode_item_clk / chip.clock_hz
        if split > 1.0:
            combined = 8.0 * split * kernel.parallel_count * kernel.m * kernel.k
            fixed_s += combined / l2_rate + law.attention_combine_clk / chip.clock_hz
        latency_s = fixed_s + overlapped(chip.overlap_exponent, core_s, l2_s, hbm_s)
        if latency_s < best.latency_s:
            best = Parts(latency_s, matrix_s, vector_s, exponent_s, l2_s, hbm_s, 0.0, fixed_s, hbm_bytes)
    return best
