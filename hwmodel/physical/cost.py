"""What a module costs to make: dies that survive, memory, package, board; and the engineering paid once."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from hwmodel.catalog.chip_design import DesignTable
from hwmodel.physical import area_constants, cost_constants
from hwmodel.physical.area import DieArea, die_area
from hwmodel.physical.constant import Level, along, by_node, opposite


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleCost:
    """Cost of one packaged module, without engineering and margin.

    `low_usd` and `high_usd` put every money constant at its cheap or dear end at once (area stays typical): bounds, not
    a confidence interval. The parts are those of `typical_usd` and add up to it.
    """

    low_usd: Float[np.ndarray, "designs"]
    typical_usd: Float[np.ndarray, "designs"]
    high_usd: Float[np.ndarray, "designs"]
    dies_usd: Float[np.ndarray, "designs"]
    hbm_usd: Float[np.ndarray, "designs"]
    package_usd: Float[np.ndarray, "designs"]
    board_usd: Float[np.ndarray, "designs"]
    attach_loss_usd: Float[np.ndarray, "designs"]
    """Good parts lost when a neighbour is placed badly."""
    die_yield_ratio: Float[np.ndarray, "designs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    dies: Float[np.ndarray, "designs"]
    hbm: Float[np.ndarray, "designs"]
    package: Float[np.ndarray, "designs"]
    board: Float[np.ndarray, "designs"]
    attach_loss: Float[np.ndarray, "designs"]

    @property
    def total(self) -> Float[np.ndarray, "designs"]:
        return self.dies + self.hbm + self.package + self.board + self.attach_loss


def module_cost(designs: DesignTable) -> ModuleCost:
    """Cost of each design's module in USD; I/O dies are priced as if their silicon were on the compute dies.

    Raises:
        UnknownNode: A design names a process without constants.
    """
    area = die_area(designs)
    typical = _parts(designs, area, "typical")
    return ModuleCost(
        low_usd=_parts(designs, area, "low").total,
        typical_usd=typical.total,
        high_usd=_parts(designs, area, "high").total,
        dies_usd=typical.dies,
        hbm_usd=typical.hbm,
        package_usd=typical.package,
        board_usd=typical.board,
        attach_loss_usd=typical.attach_loss,
        die_yield_ratio=die_yield(designs, area),
    )


def dies_per_wafer(die_m2: Float[np.ndarray, "designs"]) -> Float[np.ndarray, "designs"]:
    """Whole dies on a 300 mm wafer: pi (d/2)^2 / A - pi d / sqrt(2 A), at least one (ttm-cas)."""
    d = cost_constants.WAFER_DIAMETER_M
    return np.maximum(np.pi * (d / 2.0) ** 2 / die_m2 - np.pi * d / np.sqrt(2.0 * die_m2), 1.0)


def die_yield(designs: DesignTable, area: DieArea, *, level: Level = "typical") -> Float[np.ndarray, "designs"]:
    """Share of dies that can be sold: negative binomial (1 + A D0 / alpha)^-alpha over the area that has no spare.

    Spare cores and cache slices take over most defects of their arrays, so only the rest of that area counts.
    """
    repaired = cost_constants.REPAIRED_RATIO.at(opposite(level))
    exposed = (area.package_m2 - repaired * area.repairable_m2) / area.dies_count
    alpha = cost_constants.CLUSTER_EXPONENT.at(level)
    return (1.0 + exposed * by_node(cost_constants.DEFECTS_PER_M2, designs.node, level) / alpha) ** -alpha


def interposer_m2(designs: DesignTable, area: DieArea) -> Float[np.ndarray, "designs"]:
    """Interposer under the compute silicon and the HBM stacks (Chiplet Actuary: 1.1 x the silicon on it)."""
    on_it = area.package_m2 + designs.hbm_stacks_count * area_constants.HBM_BODY_M2.typical
    return area_constants.INTERPOSER_GROWTH_RATIO.typical * on_it


def nre_usd(designs: DesignTable, *, level: Level = "typical") -> Float[np.ndarray, "designs"]:
    """Engineering paid once per design (Chiplet Actuary: cost of a 300 mm2 chip, 80 % of it growing with die area).

    Not part of `module_cost` or `tco`.
    """
    fixed = cost_constants.NRE_FIXED_RATIO.at(level)
    growth = die_area(designs).die_m2 / cost_constants.NRE_REFERENCE_M2
    return by_node(cost_constants.NRE_USD, designs.node, level) * (fixed + (1.0 - fixed) * growth)


def _parts(designs: DesignTable, area: DieArea, level: Level) -> _Parts:
    cc = cost_constants
    wafer = by_node(cc.WAFER_USD, designs.node, level)
    per_die = wafer / (dies_per_wafer(area.die_m2) * die_yield(designs, area, level=level))
    dies = designs.dies_count * per_die
    hbm = designs.hbm_bytes * along(cc.HBM_USD_PER_BYTE, designs.hbm_stack_bytes_per_s, level, extend=True)
    package = cc.PACKAGE_BASE_USD.at(level) + cc.PACKAGE_USD_PER_M2.at(level) * interposer_m2(designs, area)
    placed = cc.ATTACH_YIELD_RATIO.at(opposite(level)) ** (designs.dies_count + designs.hbm_stacks_count)
    return _Parts(
        dies=dies,
        hbm=hbm,
        package=package,
        board=cc.BOARD_USD.at(level) + cc.BOARD_USD_PER_W.at(level) * designs.tdp_w,
        attach_loss=(dies + hbm + package) * (1.0 / placed - 1.0),
    )
