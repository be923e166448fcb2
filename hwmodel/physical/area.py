"""Die area by part, from transistor counts, SRAM bytes and PHY macros (LLMCompass's method, constants by process)."""

from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Float

from hwmodel.catalog.chip_design import DesignTable
from hwmodel.physical import area_constants as c
from hwmodel.physical.constant import Level, along, by_node, opposite


@dataclass(frozen=True, slots=True, kw_only=True)
class DieArea:
    """Silicon of the compute dies of each package, summed over its dies, in m2."""

    matrix_m2: Float[np.ndarray, "designs"]
    vector_m2: Float[np.ndarray, "designs"]
    """Vector and exponent lanes, registers, control."""
    smem_m2: Float[np.ndarray, "designs"]
    l2_m2: Float[np.ndarray, "designs"]
    network_m2: Float[np.ndarray, "designs"]
    """Between the cores and the shared cache."""
    hbm_phy_m2: Float[np.ndarray, "designs"]
    """PHY and controller."""
    links_m2: Float[np.ndarray, "designs"]
    other_m2: Float[np.ndarray, "designs"]
    """Host link, pads, wiring of clusters, copy, launch and collective engines, die-to-die links."""
    dies_count: Float[np.ndarray, "designs"]

    @property
    def package_m2(self) -> Float[np.ndarray, "designs"]:
        """All compute silicon of the package."""
        parts = [getattr(self, field.name) for field in fields(self) if field.name.endswith("_m2")]
        return np.sum(parts, axis=0)

    @property
    def die_m2(self) -> Float[np.ndarray, "designs"]:
        """One compute die."""
        return self.package_m2 / self.dies_count

    @property
    def repairable_m2(self) -> Float[np.ndarray, "designs"]:
        """Cores and cache: arrays in which a spare can take over from a defect."""
        return self.matrix_m2 + self.vector_m2 + self.smem_m2 + self.l2_m2


def die_area(designs: DesignTable, *, level: Level = "typical") -> DieArea:
    """Area of each design by part.

    Control logic and uncore are calibrated on GA100 (its SM of 3.75 mm2, its die of 826 mm2), so agreement there is
    consistency; GH100's 814 mm2 is not used. More cores are built than are active (harvest). Logic scales with the
    density that whole GPUs reach on a process, SRAM with its bitcell, PHYs do not scale.

    Args:
        designs: Any number of designs.
        level: Which end of the constants' ranges to take; at `low` every part is at its smallest.

    Raises:
        UnknownNode: A design names a process without constants.
    """
    per_transistor = 1.0 / by_node(c.DENSITY_PER_M2, designs.node, opposite(level))
    shrink = by_node(c.SRAM_SHRINK_RATIO, designs.node, level)
    built = designs.cores_count / c.CORE_HARVEST_RATIO.at(opposite(level))
    vector = designs.vector_flop_per_clk * c.VECTOR_TRANSISTORS.at(level)
    vector = vector + designs.exponent_per_clk * c.EXPONENT_TRANSISTORS.at(level) + c.CONTROL_TRANSISTORS.at(level)
    matrix_m2 = built * matrix_transistors(designs, level=level) * per_transistor
    vector_m2 = built * vector * per_transistor
    smem_m2 = built * designs.smem_bytes * c.SMEM_M2_PER_BYTE.at(level) * shrink
    engines = (matrix_m2 + vector_m2 + smem_m2) * _async_ratio(designs, level) + _latency_engines(designs, level)
    return DieArea(
        matrix_m2=matrix_m2,
        vector_m2=vector_m2,
        smem_m2=smem_m2,
        l2_m2=designs.l2_bytes * c.L2_M2_PER_BYTE.at(level) * shrink,
        network_m2=designs.l2_bytes_per_clk * c.NETWORK_TRANSISTORS.at(level) * per_transistor,
        hbm_phy_m2=_hbm(designs, per_transistor, level),
        links_m2=_links(designs, per_transistor, level),
        other_m2=engines + _uncore(designs, built, per_transistor, level),
        dies_count=designs.dies_count,
    )


def matrix_transistors(designs: DesignTable, *, level: Level = "typical") -> Float[np.ndarray, "designs"]:
    """Transistors of the matrix units of one core.

    A multiply-add of mantissa m takes FPU64 * (m / 52)^2; each narrow format adds its own multipliers (one per MAC and
    clock of its rate) and their alignment and accumulation.
    """
    fpu = c.FPU64_TRANSISTORS.at(level)
    narrow = c.NARROW_TRANSISTORS.at(level)

    def mac(dtype: str) -> float:
        return fpu * (c.MANTISSA[dtype] / c.FPU64_MANTISSA) ** 2

    per_mac = mac("bf16") + designs.fp8_rate_ratio * (mac("fp8") + narrow)
    per_mac = per_mac + designs.fp4_rate_ratio * (mac("fp4") + narrow) + designs.int8_rate_ratio * narrow
    return designs.matrix_flop_per_clk / 2.0 * per_mac


def _async_ratio(designs: DesignTable, level: Level) -> Float[np.ndarray, "designs"]:
    return np.maximum(designs.overlap_exponent - 1.0, 0.0) * c.ASYNC_ENGINE_RATIO.at(level)


def _latency_engines(designs: DesignTable, level: Level) -> Float[np.ndarray, "designs"]:
    collective = c.COLLECTIVE_M2_S.at(level) / designs.collective_latency_s
    return collective + c.LAUNCH_M2_S.at(level) / designs.launch_latency_s


def _hbm(
    designs: DesignTable, per_transistor: Float[np.ndarray, "designs"], level: Level
) -> Float[np.ndarray, "designs"]:
    phy = along(c.HBM_PHY_M2, designs.hbm_stack_bytes_per_s, level, extend=True)
    return designs.hbm_stacks_count * (phy + c.HBM_CONTROLLER_TRANSISTORS.at(level) * per_transistor)


def _links(
    designs: DesignTable, per_transistor: Float[np.ndarray, "designs"], level: Level
) -> Float[np.ndarray, "designs"]:
    controller = c.LINK_CONTROLLER_TRANSISTORS_S_PER_BYTE.at(level) * per_transistor
    return designs.link_bytes_per_s * (c.LINK_PHY_M2_S_PER_BYTE.at(level) + controller)


def _uncore(
    designs: DesignTable,
    built: Float[np.ndarray, "designs"],
    per_transistor: Float[np.ndarray, "designs"],
    level: Level,
) -> Float[np.ndarray, "designs"]:
    logic_scale = per_transistor * c.DENSITY_PER_M2["N4"].typical
    die_to_die = np.where(designs.dies_count > 1.0, designs.dies_count * c.DIE_TO_DIE_M2.at(level), 0.0)
    wiring = built * c.WIRING_TRANSISTORS.at(level) * per_transistor
    return c.UNCORE_M2.at(level) * logic_scale + die_to_die + wiring
