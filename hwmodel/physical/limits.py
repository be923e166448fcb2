"""What a design uses up of each physical limit, and which limits it breaks."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from hwmodel.catalog.chip_design import ChipDesign, DesignTable
from hwmodel.physical import area_constants as c
from hwmodel.physical.area import DieArea, die_area
from hwmodel.physical.cost import interposer_m2
from hwmodel.physical.energy import peak_power_w

ROUNDING = 1e-9
"""Slack that floating-point rounding may take at a limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One limit over all designs: what is used and what may be used, in the same SI unit."""

    name: str
    unit: str
    shown_per_si: float
    """Factor from SI to the unit on the screen."""
    used: Float[np.ndarray, "designs"]
    allowed: Float[np.ndarray, "designs"]

    @property
    def used_ratio(self) -> Float[np.ndarray, "designs"]:
        """Used over allowed; above 1 the limit is broken."""
        return self.used / self.allowed

    @property
    def is_broken(self) -> Bool[np.ndarray, "designs"]:
        """Whether the limit is broken."""
        return self.used_ratio > 1.0 + ROUNDING


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitUse:
    """How far each design goes into each limit."""

    reticle: Limit
    shoreline: Limit
    interposer: Limit
    power_density: Limit
    tdp: Limit
    tdp_class: Limit
    hbm_sites: Limit

    @property
    def all(self) -> tuple[Limit, ...]:
        """Every limit, in report order."""
        return (
            self.reticle,
            self.shoreline,
            self.interposer,
            self.power_density,
            self.tdp,
            self.tdp_class,
            self.hbm_sites,
        )

    @property
    def feasible(self) -> Bool[np.ndarray, "designs"]:
        """Whether a design breaks no limit."""
        return ~np.any([limit.is_broken for limit in self.all], axis=0)

    def reason(self, index: int) -> str:
        """Each broken limit of one design with its value and limit; empty where none is broken."""
        broken = [limit for limit in self.all if bool(limit.is_broken[index])]
        return "; ".join(
            f"{limit.name} {limit.used[index] * limit.shown_per_si:,.4g} {limit.unit}"
            f" above {limit.allowed[index] * limit.shown_per_si:,.4g} {limit.unit}"
            for limit in broken
        )


def limits(designs: DesignTable, *, baseline: ChipDesign | None = None) -> LimitUse:
    """Use of every limit by each design.

    Args:
        designs: Any number of designs.
        baseline: Where given, the TDP limit is judged in the baseline's own proportion (`tdp_needed_w`), so that
            neither the slack nor the throttling of the vendor's TDP becomes a gain. Without it, the declared peak
            power must fit the TDP outright.

    Raises:
        UnknownNode: A design names a process without constants.
    """
    area = die_area(designs)
    needed = peak_power_w(designs) if baseline is None else tdp_needed_w(designs, baseline=baseline)
    interposer = np.where(designs.dies_count > 1.0, c.INTERPOSER_L_M2.typical, c.INTERPOSER_S_M2.typical)
    return LimitUse(
        reticle=_limit("die area", "mm2", 1e6, area.die_m2, c.RETICLE_M2.typical),
        shoreline=_limit("shoreline", "mm", 1e3, shoreline_used_m(designs), shoreline_allowed_m(area)),
        interposer=_limit("interposer", "mm2", 1e6, interposer_m2(designs, area), interposer),
        power_density=_limit(
            "power density", "W/mm2", 1e-6, designs.tdp_w / area.package_m2, c.POWER_DENSITY_W_PER_M2.typical
        ),
        tdp=_limit("peak power against TDP", "W", 1.0, needed, designs.tdp_w),
        tdp_class=_limit("TDP against the largest class", "W", 1.0, designs.tdp_w, c.TDP_CLASSES_W[-1]),
        hbm_sites=_limit("HBM stacks", "sites", 1.0, designs.hbm_stacks_count, hbm_sites_count(designs)),
    )


def tdp_needed_w(designs: DesignTable, *, baseline: ChipDesign) -> Float[np.ndarray, "designs"]:
    """TDP that a design needs if its vendor rates it as the baseline is rated: in proportion to declared peak power."""
    reference = peak_power_w(DesignTable.of([baseline]))[0]
    return baseline.tdp_w * peak_power_w(designs) / reference


def tdp_class_w(designs: DesignTable) -> Float[np.ndarray, "designs"]:
    """Smallest market class that takes the design's TDP; infinite where none does."""
    classes = np.array([*c.TDP_CLASSES_W, np.inf])
    return classes[np.searchsorted(classes, designs.tdp_w)]


def hbm_sites_count(designs: DesignTable) -> Float[np.ndarray, "designs"]:
    """HBM stacks that fit beside the compute dies: 6 at one die, 8 at two, 12 from four on."""
    dies, sites = zip(*c.STACK_SITES, strict=True)
    return np.floor(np.interp(designs.dies_count, dies, sites))


def shoreline_used_m(designs: DesignTable) -> Float[np.ndarray, "designs"]:
    """Die edge taken by HBM PHYs, link PHYs and die-to-die links, all dies together."""
    die_to_die = np.where(designs.dies_count > 1.0, designs.dies_count * c.DIE_TO_DIE_EDGE_M.typical, 0.0)
    hbm = designs.hbm_stacks_count * c.HBM_EDGE_M.typical
    return hbm + designs.link_bytes_per_s * c.LINK_EDGE_M_S_PER_BYTE.typical + die_to_die


def shoreline_allowed_m(area: DieArea) -> Float[np.ndarray, "designs"]:
    """Usable die edge: 85 % of the perimeter of all dies, each of the reticle's aspect ratio."""
    width = np.sqrt(area.die_m2 * c.RETICLE_ASPECT_RATIO)
    perimeter = 2.0 * (width + area.die_m2 / width)
    return c.SHORELINE_USE_RATIO.typical * area.dies_count * perimeter


def _limit(name: str, unit: str, shown_per_si: float, used: Float[np.ndarray, "designs"], allowed: object) -> Limit:
    bound = np.broadcast_to(np.asarray(allowed, dtype=np.float64), used.shape)
    return Limit(name=name, unit=unit, shown_per_si=shown_per_si, used=used, allowed=bound)
