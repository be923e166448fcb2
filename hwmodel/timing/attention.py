"""Time of attention: prompt chunks in causal tiles, decoding with the cache split over cores."""

from typing import Any

import numpy as np
from numba import njit

from hwmodel.timing.chip import Chip, core_matrix_rate
from hwmodel.timing.gemm import OPERAND_BYTES
from hwmodel.timing.parts import Kernel, Parts, overlapped
from hwmodel.timing.power import throttled

QUERY_TILES = np.array([16.0, 64.0, 128.0, 192.0, 256.0])
"""Query rows per work item (FlashAttention uses 64 to 192; small ones serve short chunks)."""
SPLITS = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0])
"""Ways to divide one sequence's cache."""
USABLE_SRAM_RATIO = 0.86
"""Share of a core's SRAM that tiles may take: CUDA gives one block 163 of 192 KB on A100, 227 of 256 on H100, 99 of 128
on Ada (published)."""
KEY_TILE = 64.0
"""Keys per step."""
MATRIX_ROWS = 16.0
"""Rows of the smallest matrix instruction: fewer query heads are padded to it."""
GROUP_ROWS = 128.0
"""Most query heads that one work item of decoding takes."""
MOST_RESIDENT = 8.0
"""Work items of decoding that share a core, at most (assumed)."""
WHOLE_WAVES = 4.0
"""Waves from which on work items of decoding follow one another without idle cores at the end (assumed)."""
OVERLAP_BYTES = 524288.0
"""SRAM per core, tensor memory included, in which the tiles of two softmax groups lie side by side: one works while the
matrix units serve the other (that of Blackwell)."""
OVERLAP_ROWS = 256.0
"""Query rows of those two groups together."""
ACCUMULATOR_BYTES = 262144.0
"""Where scores and results of a tile are summed in FP32: registers of a core, or tensor memory (published: as large on
V100 to B200)."""
FADE = 2.5
"""A set that exceeds the usable L2 by 1 / FADE of it finds nothing in it any more (read off decode tables)."""


@njit(nogil=True)
def missed_bytes(kernel: Kernel, chip: Chip, law: Any) -> float:
    """Bytes that must come from HBM: cache of steps that do not fit into L2, activations beyond what stays there."""
    usable = law.attention_resident_ratio * chip.l2_bytes
    missed = min(max(kernel.resident_set_bytes / usable - 1.0, 0.0) * FADE, 1.0)
    beyond = max(kernel.activation_bytes - law.attention_activation_ratio * chip.l2_bytes, 0.0)
    return float(kernel.weight_bytes * missed + beyond)


@njit(nogil=True)
def attention_matrix_rate(chip: Chip, math_dtype_code: int) -> float:
    """Peak matrix rate of a core; narrow formats gain only where matrix units run by themselves."""
    wide, narrow = chip.core_bf16_flop_per_s, core_matrix_rate(chip, math_dtype_code)
    return wide + chip.asynchrony_ratio * (narrow - wide)


@njit(nogil=True)
def covered_keys(pairs: float, m: float, n: float, tile: float, edge: float) -> float:
    """Keys that the query tiles of one head visit, summed over its tiles.

    Tiles end at the diagonal; behind a window they also begin one tile before it ends. How many rows still see all
    keys before them follows from the pairs: each lacks as many keys as rows come after it until the window is full.

    Args:
        pairs: Query-key pairs of one head.
        m: Queries.
        n: Keys that the last query sees.
        tile: Query rows per tile.
        edge: Keys that a tile visits in vain where its first key is not the sequence's first.
    """
    growing = np.sqrt(max(2.0 * (n * m - pairs), 0.0) + m)
    if growing > m * (1.0 - 1e-9):
        growing = m
    context = n - growing
    tiles = np.ceil(m / tile)
    rising = min(np.floor(growing / tile + 1.0), tiles - 1.0)
    banded = tiles - 1.0 - rising
    last = min(context + m, n + tile)
    seen = rising * context + tile * rising * (rising + 1.0) / 2.0 + banded * (n + tile) + last
    if growing < m:
        seen += (banded + 1.0) * edge
    return float(seen + tiles * max(KEY_TILE - tile, 0.0) / 2.0)


@njit(nogil=True)
def prefill_time(kernel: Kernel, chip: Chip, law: Any) -> Parts:
    """Causal attention of a chunk (research/chip-models.md section 4, item 7), fastest of the query tiles.

    Work items (heads x query tiles; a tile longer than the chunk holds several heads of one KV head) go over the cores
    in waves; the longest of them, each step waiting for the one before, bounds the time from below. In every step of 64
    keys the softmax hides behind the matrix work as far as the chip is asynchronous. The clock falls by the matrix work
    of all cores together, softmax drawing power beside it: cores that wait for the last items draw none.
    """
    pairs = max(kernel.exponent_count, 1.0)
    per_head = pairs / kernel.parallel_count
    rate = attention_matrix_rate(chip, kernel.math_dtype_code) * law.attention_matrix_ratio
    pair_matrix_s = kernel.work_flop / pairs / rate
    pair_exponent_s = 1.0 / chip.core_exponent_per_s
    pair_vector_s = kernel.vector_flop / pairs / chip.core_vector_flop_per_s
    hidden = law.attention_overlap_ratio * chip.asynchrony_ratio
    room = min(chip.smem_bytes / OVERLAP_BYTES, 1.0)
    throttle = chip.attention_clock_ratio if kernel.math_dtype_code == 0 else chip.narrow_attention_clock_ratio
    hbm_bytes = missed_bytes(kernel, chip, law)
    hbm_s = hbm_bytes / (chip.hbm_bytes_per_s * law.attention_hbm_ratio)
    l2_rate = chip.l2_bytes_per_s * law.attention_l2_ratio
    key_bytes = 2.0 * kernel.k * OPERAND_BYTES[kernel.math_dtype_code]
    exponent = min(chip.overlap_exponent, law.attention_overlap_exponent)
    fixed_s = chip.launch_latency_s + law.attention_start_clk / chip.clock_hz
    best = Parts(np.inf, 0.0, 0.0, 0.0, 0.0, hbm_s, 0.0, 0.0, hbm_bytes)
    for tile in QUERY_TILES:
        is_stored = 2.0 * (tile + 2.0 * KEY_TILE) * kernel.k <= USABLE_SRAM_RATIO * chip.smem_bytes
        is_summed = 4.0 * tile * (kernel.k + KEY_TILE) <= ACCUMULATOR_BYTES
        if tile > QUERY_TILES[0] and not (is_stored and is_summed):
            continue
        tiles = np.ceil(kernel.m / tile)
        packed = min(max(tile / kernel.m, 1.0), kernel.groups_count)
        items = kernel.parallel_count * tiles / packed
        keys = covered_keys(per_head, kernel.m, kernel.n, tile, law.attention_edge_keys)
        mean = max(keys / tiles, KEY_TILE)
        waves = max(np.ceil(items / chip.cores_count), 1.0)
        busy = law.attention_wave_ratio * waves + (1.0 - law.attention_wave_ratio) * items / chip.cores_count
        shared = max(busy * mean, kernel.n)
        alone_s = law.attention_chain_clk / (KEY_TILE * chip.clock_hz)
        rows = tile + law.attention_feed_rows
        matrix, exponential, vector = rows * pair_matrix_s, tile * pair_exponent_s, tile * pair_vector_s
        softmax = exponential + vector
        shown = 1.0 - hidden * min(room, tile / OVERLAP_ROWS)
        key_s = max(matrix, softmax) + shown * min(matrix, softmax)
        key_s += law.attention_step_clk / (KEY_TILE * chip.clock_hz)
        matrix_s = shared * matrix
        even = items * mean / chip.cores_count
        slowed_s = throttled(even * matrix, throttle, law.clock_settle_s) + even * (key_s - matrix)
        core_s = max(busy * mean * key_s, kernel.n * (key_s + alone_s), slowed_s)
        items_s = max(busy, 1.0) * (law.attention_item_clk + tile * law.attention_row_clk) / chip.clock_hz
        l2_bytes = kernel.parallel_count * keys / packed * key_bytes + kernel.activation_bytes + kernel.weight_bytes
        l2_s = l2_bytes / l2_rate
        latency_s = fixed_s + overlapped(exponent, core_s + items_s, l2_s, hbm_s)
        if latency_s < best.latency_s:
            told_s = fixed_s + items_s
            best = Parts(
                latency_s, matrix_s, shared * vector, shared * exponential, l2_s, hbm_s, 0.0, told_s, hbm_bytes
            )
    return best


@njit(nogil=True)
def decode_time(kernel: Kernel, chip: Chip, law: Any) -> Parts:
    """Attention of one token per sequence, fastest of the splits of the cache over cores.

    A core takes several work items at once as far as their cache tiles fit into its SRAM: then the larger of their
    throughput and the chain of one item's steps is what counts. A split of the cache costs a second pass that
    combines partial results: 2 split items group width 4 bytes through L2, and a synchronisation
    (research/chip-models.md section 4, item 7). Matrix units wait for the cache most of the time: the clock holds.
    """
    keys = max(kernel.n, 1.0)
    units, heads = kernel.parallel_count * np.ceil(kernel.m / GROUP_ROWS), min(kernel.m, GROUP_ROWS)
    rows = np.ceil(heads / MATRIX_ROWS) * MATRIX_ROWS
    per_step = KEY_TILE / (kernel.parallel_count * keys)
    flop = kernel.work_flop * per_step * rows / max(kernel.m, 1.0)
    exponents = kernel.exponent_count * per_step * rows / max(kernel.m, 1.0)
    vector_flop, step_bytes = kernel.vector_flop * per_step, kernel.weight_bytes * per_step
    area = rows * KEY_TILE
    rate = attention_matrix_rate(chip, kernel.math_dtype_code) * law.attention_matrix_ratio
    matrix = flop / rate * (area + law.operand_feed_elements) / area
    exponential, vector = exponents / chip.core_exponent_per_s, vector_flop / chip.core_vector_flop_per_s
    feed = step_bytes / (law.decode_feed_bytes_per_clk * chip.clock_hz)
    step_s = max(matrix, exponential + vector, feed)
    resident = np.floor(chip.smem_bytes / (2.0 * step_bytes + 2.0 * rows * kernel.k))
    resident = min(max(resident, 1.0), MOST_RESIDENT)
    hbm_bytes = missed_bytes(kernel, chip, law)
    hbm_s = hbm_bytes / (chip.hbm_bytes_per_s * law.decode_hbm_ratio)
    moved = kernel.weight_bytes + kernel.activation_bytes
    l2_rate = chip.l2_bytes_per_s * law.attention_l2_ratio
    start_s = chip.launch_latency_s + law.decode_start_clk / chip.clock_hz
    exponent = min(chip.overlap_exponent, law.decode_overlap_exponent)
    chain_s, item_s = law.decode_chain_clk / chip.clock_hz, law.decode_item_clk / chip.clock_hz
    item_s += heads * law.decode_row_clk / chip.clock_hz
    best = Parts(np.inf, 0.0, 0.0, 0.0, 0.0, hbm_s, 0.0, 0.0, hbm_bytes)
    steps = 2.0
    for split in SPLITS:
        if steps <= 1.0:
            break
        steps = np.ceil(keys / (split * KEY_TILE))
        load = units * split / chip.cores_count
        waves = max(np.ceil(load), 1.0) if load < WHOLE_WAVES else load
        chain = max(np.ceil(load / resident), 1.0) * (chain_s + steps * (law.decode_step_clk / chip.clock_hz + step_s))
        core_s = max(chain, waves * (item_s + steps * step_s))
        matrix_s = waves * steps * matrix
        fixed_s = start_s
        if split > 1.0:
            combined = 8.0 * split * kernel.parallel_count * kernel.m * kernel.k
            fixed_s += combined / l2_rate + law.attention_combine_clk / chip.clock_hz
        l2_s = max(moved / l2_rate, waves * steps * feed)
        latency_s = fixed_s + overlapped(exponent, core_s, l2_s, hbm_s)
        if latency_s < best.latency_s:
            vector_s, exponent_s = waves * steps * vector, waves * steps * exponential
            fixed_s += core_s - waves * steps * step_s
            best = Parts(latency_s, matrix_s, vector_s, exponent_s, l2_s, hbm_s, 0.0, fixed_s, hbm_bytes)
    return best
