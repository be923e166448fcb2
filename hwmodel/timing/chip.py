"""One design as the rates and latencies that the timing laws read; derived once for a table of designs."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from numba import njit

from hwmodel.catalog.chip_design import FABRICS, DesignTable
from hwmodel.kernels.batch import MATH_DTYPES
from hwmodel.timing.constants import TimingConstants
from hwmodel.timing.power import matrix_clock_ratio, vector_clock_ratio

VECTOR_MATH = MATH_DTYPES.index("fp32")
"""Position of the format whose products run on vector lanes."""

SYNCHRONOUS, ASYNCHRONOUS = 2.6, 8.7
"""Overlap exponents of chips whose threads feed the matrix units and of chips whose units feed themselves: those of
A100 and H100 in the catalogue."""


class Chip(NamedTuple):
    """A design in absolute rates; `per_s` of one core where named so, else of the package."""

    cores_count: float
    clock_hz: float
    core_bf16_flop_per_s: float
    core_fp8_flop_per_s: float
    core_fp4_flop_per_s: float
    core_int8_flop_per_s: float
    core_vector_flop_per_s: float
    core_exponent_per_s: float
    smem_bytes: float
    l2_bytes: float
    l2_bytes_per_s: float
    hbm_bytes_per_s: float
    link_bytes_per_s: float
    link_world_count: float
    collective_latency_s: float
    launch_latency_s: float
    overlap_exponent: float
    matrix_clock_ratio: float
    narrow_clock_ratio: float
    fabric_code: float
    """Position in `FABRICS`."""
    asynchrony_ratio: float
    """0 where matrix units wait for registers that threads fill, 1 where they run by themselves."""
    vector_clock_ratio: float
    attention_clock_ratio: float
    """As `matrix_clock_ratio`, in attention. So the next."""
    narrow_attention_clock_ratio: float


def chip_columns(designs: DesignTable, constants: TimingConstants) -> Float[np.ndarray, "designs columns"]:
    """Columns of `Chip`, one row per design.

    A data type that the design lacks runs at the rate of the next wider one (fp4, fp8, bf16; int8, bf16), and so
    does one that is built slower than the wider one.
    """
    bf16 = designs.matrix_flop_per_clk * designs.clock_hz
    fp8 = bf16 * np.maximum(1.0, designs.fp8_rate_ratio)
    attention_clk_j = constants.matrix_clk_j * constants.attention_energy_ratio
    columns: dict[str, Float[np.ndarray, designs]] = {
        "cores_count": designs.cores_count,
        "clock_hz": designs.clock_hz,
        "core_bf16_flop_per_s": bf16,
        "core_fp8_flop_per_s": fp8,
        "core_fp4_flop_per_s": np.maximum(fp8, bf16 * designs.fp4_rate_ratio),
        "core_int8_flop_per_s": bf16 * np.maximum(1.0, designs.int8_rate_ratio),
        "core_vector_flop_per_s": designs.vector_flop_per_clk * designs.clock_hz,
        "core_exponent_per_s": designs.exponent_per_clk * designs.clock_hz,
        "smem_bytes": designs.smem_bytes,
        "l2_bytes": designs.l2_bytes,
        "l2_bytes_per_s": designs.l2_bytes_per_clk * designs.clock_hz,
        "hbm_bytes_per_s": designs.hbm_bytes_per_s,
        "link_bytes_per_s": designs.link_bytes_per_s,
        "link_world_count": designs.link_world_count,
        "collective_latency_s": designs.collective_latency_s,
        "launch_latency_s": designs.launch_latency_s,
        "overlap_exponent": np.minimum(designs.overlap_exponent, constants.most_overlap_exponent),
        "matrix_clock_ratio": matrix_clock_ratio(designs, constants, constants.matrix_clk_j),
        "narrow_clock_ratio": matrix_clock_ratio(
            designs, constants, constants.matrix_clk_j * constants.narrow_energy_ratio
        ),
        "fabric_code": np.array([FABRICS.index(name) for name in designs.fabric], dtype=np.float64),
        "asynchrony_ratio": np.clip((designs.overlap_exponent - SYNCHRONOUS) / (ASYNCHRONOUS - SYNCHRONOUS), 0.0, 1.0),
        "vector_clock_ratio": vector_clock_ratio(designs, constants),
        "attention_clock_ratio": matrix_clock_ratio(designs, constants, attention_clk_j),
        "narrow_attention_clock_ratio": matrix_clock_ratio(
            designs, constants, attention_clk_j * constants.narrow_energy_ratio
        ),
    }
    return np.ascontiguousarray(np.stack([columns[name] for name in Chip._fields], axis=1))


@njit(nogil=True)
def chip_at(columns: Any, design: int) -> Chip:
    """The design of one row."""
    row = columns[design]
    return Chip(
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
        row[13],
        row[14],
        row[15],
        row[16],
        row[17],
        row[18],
        row[19],
        row[20],
        row[21],
        row[22],
        row[23],
    )


@njit(nogil=True)
def clock_ratio(chip: Chip, math_dtype_code: int) -> float:
    """Clock under full matrix load in a math format, over the sheet's; see `power`."""
    if math_dtype_code == VECTOR_MATH:
        return chip.vector_clock_ratio
    return chip.matrix_clock_ratio if math_dtype_code == 0 else chip.narrow_clock_ratio


@njit(nogil=True)
def core_matrix_rate(chip: Chip, math_dtype_code: int) -> float:
    """Peak FLOP/s of matrix products on one core in the math format at a position of `MATH_DTYPES`."""
    if math_dtype_code == VECTOR_MATH:
        return chip.core_vector_flop_per_s
    if math_dtype_code == 0:
        return chip.core_bf16_flop_per_s
    if math_dtype_code == 1:
        return chip.core_fp8_flop_per_s
    if math_dtype_code == 2:
        return chip.core_fp4_flop_per_s
    return chip.core_int8_flop_per_s
