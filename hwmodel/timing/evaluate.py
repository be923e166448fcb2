"""Time of every kernel on every design, with its parts, its roofline bound and its binding resource."""

from collections import namedtuple
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numba import njit

from hwmodel.catalog.chip_design import DesignTable
from hwmodel.kernels.batch import KernelBatch
from hwmodel.sources import sources_stamp
from hwmodel.timing.attention import decode_time, prefill_time
from hwmodel.timing.chip import Chip, chip_at, chip_columns, core_matrix_rate
from hwmodel.timing.collective import collective_code, collective_time, ideal_link_s
from hwmodel.timing.constants import FIRST_CONSTANTS, TimingConstants
from hwmodel.timing.estimate import KernelTiming
from hwmodel.timing.gemm import gemm_time
from hwmodel.timing.grouped import GROUPED_ROWS, grouped_time, row_tiles
from hwmodel.timing.parts import Kernel, Parts, missed_activation_bytes, missed_weight_bytes
from hwmodel.timing.rowwise import rowwise_time
from warehouse.contracts.vocabulary import BindingResource, KernelFamily

Law = namedtuple("Law", [f.name for f in fields(TimingConstants)])  # type: ignore[misc]  # noqa: PYI024
"""The constants in the form that compiled code takes."""
KERNEL_NUMBERS: tuple[str, ...] = Kernel._fields[:12]
PARTS = (
    "latency_s",
    "bound_s",
    "matrix_s",
    "vector_s",
    "exponent_s",
    "l2_s",
    "hbm_s",
    "link_s",
    "fixed_s",
    "hbm_bytes",
)
GEMM, MOE_GEMM, PREFILL, DECODE, COLLECTIVE = (
    tuple(KernelFamily).index(family)
    for family in (
        KernelFamily.GEMM,
        KernelFamily.MOE_GEMM,
        KernelFamily.ATTENTION_PREFILL,
        KernelFamily.ATTENTION_DECODE,
        KernelFamily.COLLECTIVE,
    )
)
BINDING_PARTS: tuple[tuple[BindingResource, str], ...] = (
    (BindingResource.MATRIX, "matrix_s"),
    (BindingResource.VECTOR, "vector_s"),
    (BindingResource.EXPONENT, "exponent_s"),
    (BindingResource.L2, "l2_s"),
    (BindingResource.HBM, "hbm_s"),
    (BindingResource.LINK, "link_s"),
    (BindingResource.LATENCY, "fixed_s"),
)


def time_kernels(
    designs: DesignTable,
    kernels: KernelBatch,
    constants: TimingConstants = FIRST_CONSTANTS,
    *,
    resident_bytes: Float[np.ndarray, "kernels"] | None = None,
) -> KernelTiming:
    """Time of one run of each kernel on each design.

    Weights are served from L2 only where all that the state's step touches (weights and cache, times repeats) fits
    into it: the kernels of one state must come together, or `resident_bytes` must say what the whole step touches.

    Args:
        designs: chips to evaluate.
        kernels: kernels of one or many steps.
        constants: efficiencies and latencies shared by all chips.
        resident_bytes: `resident_set_bytes` of the whole steps, where `kernels` are only some of theirs.

    Returns:
        Arrays of (designs, kernels); latency is never below the roofline bound.
    """
    out = _filled(designs, kernels, constants, resident_bytes)
    parts = dict(zip(PARTS, out, strict=True))
    return KernelTiming(binding_code=_binding_code(parts), **parts)


def kernel_latency_s(
    designs: DesignTable,
    kernels: KernelBatch,
    constants: TimingConstants = FIRST_CONSTANTS,
    *,
    resident_bytes: Float[np.ndarray, "kernels"] | None = None,
) -> Float[np.ndarray, "designs kernels"]:
    """The latency of `time_kernels` alone, for those who time many designs; arguments as there."""
    return _filled(designs, kernels, constants, resident_bytes)[0]


def _filled(
    designs: DesignTable,
    kernels: KernelBatch,
    constants: TimingConstants,
    resident_bytes: Float[np.ndarray, "kernels"] | None,
) -> Float[np.ndarray, "parts designs kernels"]:
    numbers = np.empty((len(kernels), len(Kernel._fields)))
    for column, name in enumerate(KERNEL_NUMBERS):
        numbers[:, column] = getattr(kernels, name)
    numbers[:, 12] = resident_set_bytes(kernels) if resident_bytes is None else resident_bytes
    numbers[:, 13] = kernels.math_dtype_code
    numbers[:, 14] = _collective_code(kernels)
    numbers[:, 15:21] = _row_tiles(kernels)
    numbers[:, 21] = kernels.spread_log
    out = np.empty((len(PARTS), len(designs), len(kernels)))
    _fill(
        chip_columns(designs, constants), numbers, kernels.family_code.astype(np.int64), Law(*astuple(constants)), out
    )
    return out


def resident_set_bytes(kernels: KernelBatch) -> Float[np.ndarray, "kernels"]:
    """Weights and cache that the whole step of each kernel's state touches, layers repeated."""
    if len(kernels) == 0:
        return np.empty(0)
    return np.bincount(kernels.state, weights=kernels.repeat_count * kernels.weight_bytes)[kernels.state]


def _collective_code(kernels: KernelBatch) -> Float[np.ndarray, "kernels"]:
    """Position in `COLLECTIVES` of what each kernel's name says it does; that of an all-gather if it says nothing."""
    by_name = np.array([collective_code(name) for name in kernels.names])
    return by_name[kernels.name_code] if len(kernels) else np.empty(0)


def _row_tiles(kernels: KernelBatch) -> Float[np.ndarray, "kernels heights"]:
    """Row tiles of grouped products by height; 0 for other kernels."""
    tiles = np.zeros((len(kernels), GROUPED_ROWS.size))
    grouped = np.flatnonzero(kernels.family_code == MOE_GEMM)
    tiles[grouped] = row_tiles(kernels.groups_count[grouped], kernels.m[grouped], kernels.spread_log[grouped])
    return tiles


def _binding_code(parts: dict[str, np.ndarray]) -> np.ndarray:
    """Position in `tuple(BindingResource)` of the largest part."""
    largest = np.argmax(np.stack([parts[name] for _, name in BINDING_PARTS]), axis=0)
    codes = np.array([tuple(BindingResource).index(resource) for resource, _ in BINDING_PARTS])
    return codes[largest]


@njit(nogil=True)
def _time(kernel: Kernel, family: int, chip: Chip, law: Any) -> Parts:
    if family == GEMM:
        return gemm_time(kernel, chip, law)
    if family == MOE_GEMM:
        return grouped_time(kernel, chip, law)
    if family == PREFILL:
        return prefill_time(kernel, chip, law)
    if family == DECODE:
        return decode_time(kernel, chip, law)
    if family == COLLECTIVE:
        return collective_time(kernel, chip, law)
    return rowwise_time(kernel, chip, law)


@njit(nogil=True)
def _bound(kernel: Kernel, chip: Chip, law: Any) -> float:
    """Roofline: every resource at its peak, all cores busy, all parts overlapped, compulsory traffic only."""
    cores = chip.cores_count
    hbm_bytes = missed_weight_bytes(kernel, chip, law) + missed_activation_bytes(kernel, chip, law)
    return float(
        max(
            kernel.work_flop / (cores * core_matrix_rate(chip, kernel.math_dtype_code)),
            kernel.vector_flop / (cores * chip.core_vector_flop_per_s),
            kernel.exponent_count / (cores * chip.core_exponent_per_s),
            hbm_bytes / chip.hbm_bytes_per_s,
            ideal_link_s(kernel, chip, law),
        )
    )


@njit(nogil=True)
def _kernel_at(numbers: Any, index: int) -> Kernel:
    row = numbers[index]
    return Kernel(
        row[0],
        row[1],
        row[2],
        row[3],
        row[4],
        row[5],
        row[6],
        row[7],
        row[8],
        row[9],
        row[10],
        row[11],
        row[12],
        int(row[13]),
        row[14],
        row[15],
        row[16],
        row[17],
        row[18],
        row[19],
        row[20],
        row[21],
    )


def _compiled_fill(stamp: int) -> Any:
    """The loop over designs and kernels, cached on disk under a stamp of all files that it is compiled from.

    Numba renews a cached function when its own file changes, not when a file that it calls changes; a captured
    variable is part of the key, and the laws in the other files are not cached by themselves.
    """

    @njit(cache=True, nogil=True)
    def fill(chips: Any, numbers: Any, families: Any, law: Any, out: Any) -> int:
        for design in range(chips.shape[0]):
            chip = chip_at(chips, design)
            for index in range(numbers.shape[0]):
                kernel = _kernel_at(numbers, index)
                parts = _time(kernel, families[index], chip, law)
                bound_s = _bound(kernel, chip, law)
                out[0, design, index] = max(parts.latency_s, bound_s)
                out[1, design, index] = bound_s
                for part in range(1, len(parts)):
                    out[part + 1, design, index] = parts[part]
        return stamp

    return fill


_fill = _compiled_fill(sources_stamp(Path(__file__).parent))
