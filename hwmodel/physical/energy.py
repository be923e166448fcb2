"""Energy of kernels and power of packages, from picojoules per operation and per byte."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from hwmodel.catalog.chip_design import DesignTable
from hwmodel.kernels.batch import MATH_DTYPES
from hwmodel.physical import energy_constants as c
from hwmodel.physical.area import die_area
from hwmodel.physical.constant import Level, along, by_node

MATRIX_DTYPES = tuple(name for name in MATH_DTYPES if name != "fp32")
"""Formats of matrix units, in the order of `MATH_DTYPES`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelEnergy:
    """Dynamic energy of one run of each kernel on each design, by where it goes. Static power is not in it."""

    matrix_j: Float[np.ndarray, "designs kernels"]
    vector_j: Float[np.ndarray, "designs kernels"]
    l2_j: Float[np.ndarray, "designs kernels"]
    hbm_j: Float[np.ndarray, "designs kernels"]
    link_j: Float[np.ndarray, "designs kernels"]

    @property
    def total_j(self) -> Float[np.ndarray, "designs kernels"]:
        """Sum of the parts."""
        return self.matrix_j + self.vector_j + self.l2_j + self.hbm_j + self.link_j


def kernel_energy(
    designs: DesignTable,
    *,
    matrix_flop: Float[np.ndarray, "..."],
    dtype_code: Int[np.ndarray, "kernels"],
    vector_flop: Float[np.ndarray, "..."],
    l2_bytes: Float[np.ndarray, "..."],
    hbm_bytes: Float[np.ndarray, "..."],
    link_bytes: Float[np.ndarray, "..."],
    level: Level = "typical",
) -> KernelEnergy:
    """Dynamic energy by part.

    Args:
        designs: Any number of designs.
        matrix_flop: Matrix work; as all amounts here (kernels,) or (designs, kernels).
        dtype_code: Position in `MATH_DTYPES` of each kernel; a format that a design lacks runs, and costs, as bf16.
        vector_flop: Vector work.
        l2_bytes: Traffic between shared cache and cores.
        hbm_bytes: Memory traffic.
        link_bytes: Bytes that this chip sends over scale-up links.
        level: Which end of the constants' ranges to take.
    """
    switching = _switching_ratio(designs, level)[:, None]
    one = np.ones((1, dtype_code.size))
    hbm = along(c.HBM_J_PER_BYTE, designs.hbm_stack_bytes_per_s, level, extend=False)[:, None]
    return KernelEnergy(
        matrix_j=matrix_flop * matrix_j_per_flop(designs, level=level)[:, dtype_code],
        vector_j=vector_flop * (c.VECTOR_J_PER_FLOP.at(level) * switching) * one,
        l2_j=l2_bytes * (c.L2_J_PER_BYTE.at(level) * switching + _crossing_j_per_byte(designs, level)[:, None]) * one,
        hbm_j=hbm_bytes * hbm * one,
        link_j=link_bytes * np.full((len(designs), 1), c.LINK_J_PER_BYTE.at(level)) * one,
    )


def kernel_energy_j(
    designs: DesignTable,
    *,
    matrix_flop: Float[np.ndarray, "..."],
    dtype_code: Int[np.ndarray, "kernels"],
    vector_flop: Float[np.ndarray, "..."],
    l2_bytes: Float[np.ndarray, "..."],
    hbm_bytes: Float[np.ndarray, "..."],
    link_bytes: Float[np.ndarray, "..."],
) -> Float[np.ndarray, "designs kernels"]:
    """Dynamic energy of one run of each kernel; arguments as `kernel_energy`."""
    return kernel_energy(
        designs,
        matrix_flop=matrix_flop,
        dtype_code=dtype_code,
        vector_flop=vector_flop,
        l2_bytes=l2_bytes,
        hbm_bytes=hbm_bytes,
        link_bytes=link_bytes,
    ).total_j


def matrix_j_per_flop(designs: DesignTable, *, level: Level = "typical") -> Float[np.ndarray, "designs dtypes"]:
    """Energy of one FLOP of a matrix product by format, in the order of `MATH_DTYPES`; fp32 runs on vector lanes.

    e = (multiply + feed x bytes/2 x sqrt(4096 / FLOP per clock at the format)) x process x (V / 0.9 V)^2: bigger arrays
    reuse each operand more often.
    """
    ratios = _rate_ratios(designs)
    array_flop = designs.matrix_flop_per_clk[:, None] * np.where(ratios > 0.0, ratios, 1.0)
    names = np.where(ratios > 0.0, np.arange(len(MATRIX_DTYPES)), 0)
    multiply = np.array([c.MULTIPLY_J_PER_FLOP[name].at(level) for name in MATRIX_DTYPES])[names]
    width = np.array([c.FEED_BYTES[name] for name in MATRIX_DTYPES])[names] / c.FEED_BYTES["bf16"]
    feed = c.FEED_J_PER_FLOP.at(level) * width * np.sqrt(c.FEED_REFERENCE_FLOP / array_flop)
    vector = np.full((len(designs), 1), c.VECTOR_J_PER_FLOP.at(level))
    return np.concatenate([multiply + feed, vector], axis=1) * _switching_ratio(designs, level)[:, None]


def voltage_v(clock_hz: Float[np.ndarray, "designs"], *, level: Level = "typical") -> Float[np.ndarray, "designs"]:
    """Supply voltage that a clock needs: a line through 0.65 V at 0.9 GHz and 1.05 V at 2.4 GHz."""
    return c.VOLTAGE_AT_ZERO_V.at(level) + c.VOLTAGE_S.at(level) * clock_hz


def static_power_w(designs: DesignTable, *, level: Level = "typical") -> Float[np.ndarray, "designs"]:
    """Power that flows without work: leakage of the silicon, refresh, idle SerDes."""
    leakage = c.LEAKAGE_W_PER_M2.at(level) * die_area(designs).package_m2
    leakage = leakage * voltage_v(designs.clock_hz) / c.REFERENCE_VOLTAGE_V
    return (
        leakage
        + designs.hbm_stacks_count * c.HBM_IDLE_W.at(level)
        + designs.link_bytes_per_s * c.LINK_IDLE_J_PER_BYTE.at(level)
    )


def peak_power_w(designs: DesignTable) -> Float[np.ndarray, "designs"]:
    """Power at the declared high load: static power, and each resource at its load share of peak.

    The matrix units run the format that draws most. A design whose TDP is below this would throttle.
    """
    issue = designs.cores_count * designs.clock_hz
    ratios = _rate_ratios(designs)
    matrix = (
        matrix_j_per_flop(designs)[:, : len(MATRIX_DTYPES)] * ratios * (issue * designs.matrix_flop_per_clk)[:, None]
    )
    switching = _switching_ratio(designs, "typical")
    hbm = along(c.HBM_J_PER_BYTE, designs.hbm_stack_bytes_per_s, "typical", extend=False) * designs.hbm_bytes_per_s
    vector = issue * designs.vector_flop_per_clk * c.VECTOR_J_PER_FLOP.typical * switching
    l2_j_per_byte = c.L2_J_PER_BYTE.typical * switching + _crossing_j_per_byte(designs, "typical")
    l2 = designs.l2_bytes_per_clk * designs.clock_hz * l2_j_per_byte
    link = designs.link_bytes_per_s * c.LINK_J_PER_BYTE.typical
    return (
        static_power_w(designs)
        + c.MATRIX_LOAD_RATIO.typical * np.max(matrix, axis=1)
        + c.VECTOR_LOAD_RATIO.typical * vector
        + c.L2_LOAD_RATIO.typical * l2
        + c.HBM_LOAD_RATIO.typical * hbm
        + c.LINK_LOAD_RATIO.typical * link
    )


def _crossing_j_per_byte(designs: DesignTable, level: Level) -> Float[np.ndarray, "designs"]:
    """Mean energy of a byte of shared-cache traffic on the way between dies: all but 1/dies of it crosses."""
    return c.DIE_TO_DIE_J_PER_BYTE.at(level) * (1.0 - 1.0 / designs.dies_count)


def _rate_ratios(designs: DesignTable) -> Float[np.ndarray, "designs dtypes"]:
    by_name = {
        "bf16": np.ones(len(designs)),
        "fp8": designs.fp8_rate_ratio,
        "fp4": designs.fp4_rate_ratio,
        "int8": designs.int8_rate_ratio,
    }
    return np.stack([by_name[name] for name in MATRIX_DTYPES], axis=1)


def _switching_ratio(designs: DesignTable, level: Level) -> Float[np.ndarray, "designs"]:
    voltage = voltage_v(designs.clock_hz) / c.REFERENCE_VOLTAGE_V
    return by_node(c.ENERGY_RATIO, designs.node, level) * voltage**2
