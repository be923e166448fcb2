"""Time of row-wise kernels (norms, activations, cache writes, sampling) and of linear attention."""

from typing import Any

import numpy as np
from numba import njit

from hwmodel.timing.chip import Chip, core_matrix_rate
from hwmodel.timing.parts import Kernel, Parts, missed_activation_bytes, missed_weight_bytes, overlapped


@njit(nogil=True)
def rowwise_time(kernel: Kernel, chip: Chip, law: Any) -> Parts:
    """Whole waves of equal work items; a core works on one item at a time (chip-models section 4, item 9)."""
    items = max(kernel.parallel_count, 1.0)
    waves = np.ceil(items / chip.cores_count)
    share = waves / items
    rate = core_matrix_rate(chip, kernel.math_dtype_code) * law.attention_matrix_ratio
    matrix_s = share * kernel.work_flop / rate
    vector_s = share * kernel.vector_flop / chip.core_vector_flop_per_s
    exponent_s = share * kernel.exponent_count / chip.core_exponent_per_s
    moved = kernel.weight_bytes + kernel.activation_bytes
    feed_s = share * moved / (law.core_feed_bytes_per_clk * chip.clock_hz)
    l2_s = max(moved / (chip.l2_bytes_per_s * law.l2_ratio), feed_s)
    hbm_bytes = missed_weight_bytes(kernel, chip, law) + missed_activation_bytes(kernel, chip, law)
    hbm_s = hbm_bytes / (chip.hbm_bytes_per_s * law.hbm_ratio)
    core_s = matrix_s + max(vector_s, exponent_s)
    fixed_s = chip.launch_latency_s + law.rowwise_start_clk / chip.clock_hz
    latency_s = fixed_s + overlapped(chip.overlap_exponent, core_s, l2_s, hbm_s)
    return Parts(latency_s, matrix_s, vector_s, exponent_s, l2_s, hbm_s, 0.0, fixed_s, hbm_bytes)
