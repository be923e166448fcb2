"""What every timing law takes and gives: one kernel, its parts, how parts overlap, and what must come from HBM."""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from hwmodel.timing.chip import Chip

COLLECTIVES: tuple[str, ...] = ("all_reduce", "all_gather", "all_to_all")
"""How names of collectives end; a reduce-scatter moves what an all-gather moves."""


class Kernel(NamedTuple):
    """One kernel; the fields are those of `KernelBatch`."""

    m: float
    n: float
    k: float
    groups_count: float
    parallel_count: float
    work_flop: float
    vector_flop: float
    exponent_count: float
    weight_bytes: float
    activation_bytes: float
    link_bytes: float
    ranks_count: float
    resident_set_bytes: float
    """Weights and cache that all kernels of the step touch, layers repeated: what competes for L2; infinite where L2
    is cold."""
    math_dtype_code: int
    collective_code: float
    """What a collective does: position in `COLLECTIVES`."""
    tiles_8: float
    """Row tiles of all groups together, the last of each group only partly full, by height. See `grouped`."""
    tiles_16: float
    tiles_32: float
    tiles_64: float
    tiles_128: float
    tiles_256: float
    spread_log: float


class Parts(NamedTuple):
    """Time of one kernel on one design with the parts it is made of."""

    latency_s: float
    matrix_s: float
    vector_s: float
    exponent_s: float
    l2_s: float
    hbm_s: float
    link_s: float
    fixed_s: float
    hbm_bytes: float


@njit(nogil=True)
def overlapped(exponent: float, first: float, second: float, third: float) -> float:
    """p-norm of three times: their maximum at a large exponent, their sum at 1."""
    largest = max(first, second, third)
    if largest <= 0.0:
        return 0.0
    total = (first / largest) ** exponent + (second / largest) ** exponent + (third / largest) ** exponent
    return float(largest * total ** (1.0 / exponent))


@njit(nogil=True)
def missed_weight_bytes(kernel: Kernel, chip: Chip, law: Any) -> float:
    """Weights or cache that must come from HBM.

    All of them, unless what the whole step touches fits into the usable L2; between one and two times that size the
    hits fade linearly (a cyclic sweep larger than a cache finds little of itself in it).
    """
    usable = law.l2_resident_ratio * chip.l2_bytes
    missed = min(max(kernel.resident_set_bytes / usable - 1.0, 0.0), 1.0)
    return kernel.weight_bytes * missed


@njit(nogil=True)
def missed_activation_bytes(kernel: Kernel, chip: Chip, law: Any) -> float:
    """Activations beyond what stays in L2 between the kernel that wrote them and this one."""
    is_cold = np.isinf(kernel.resident_set_bytes)
    ratio = law.l2_cold_ratio if is_cold else law.l2_resident_ratio
    return float(max(kernel.activation_bytes - ratio * chip.l2_bytes, 0.0))
