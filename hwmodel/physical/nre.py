"""Engineering that is paid once: what a change of a baseline costs, how long it takes, how many chips pay for it."""

from dataclasses import dataclass

import numpy as np

from hwmodel.catalog.chip_design import ChipDesign, DesignTable
from hwmodel.physical import cost_constants, nre_constants
from hwmodel.physical.constant import LEVELS, Constant, Level, opposite
from hwmodel.physical.cost import nre_usd
from hwmodel.physical.tco import HOURS_PER_YEAR

MEMORY_FIELDS = frozenset({"hbm_stack_bytes", "hbm_stack_bytes_per_s", "tdp_w"})
"""Numbers that change without a new die: the sites for stacks are on the die, so their count is not among them."""
NUMBERS = tuple(name for name in DesignTable.__slots__ if name not in {"name", "node", "fabric"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What it takes to get a design made; low, typical and high are cheap or quick, usual, and dear or slow."""

    depth: str
    """`memory`, `die` or `process`: what has to be drawn again."""
    nre_usd: tuple[float, float, float]
    months: tuple[float, float, float]


def project_of(baseline: ChipDesign, design: ChipDesign) -> Project:
    """Engineering and time from a baseline that exists to a design."""
    depth = depth_of(baseline, design)
    table = DesignTable.of([design])
    share, months = nre_constants.ENGINEERING_RATIO[depth], nre_constants.MONTHS_TO_SILICON[depth]
    low, typical, high = (float(nre_usd(table, level=level)[0]) * share.at(level) for level in LEVELS)
    return Project(depth=depth, nre_usd=(low, typical, high), months=(months.low, months.typical, months.high))


def depth_of(baseline: ChipDesign, design: ChipDesign) -> str:
    """What has to be drawn again."""
    if design.node != baseline.node:
        return "process"
    changed = {name for name in NUMBERS if not np.isclose(getattr(baseline, name), getattr(design, name))}
    is_same = changed <= MEMORY_FIELDS and design.fabric == baseline.fabric
    return "memory" if is_same else "die"


def chip_life_h(level: Level = "typical") -> float:
    """Hours of service in a chip's life."""
    life: Constant = cost_constants.CHIP_LIFE_YEARS
    return life.at(level) * HOURS_PER_YEAR * cost_constants.UTILISATION_RATIO.at(level)


def break_even_chips(project: Project, saving_usd_per_chip_h: float) -> tuple[float, float, float]:
    """Chips whose saving over their life pays the engineering; infinite where nothing is saved."""
    if saving_usd_per_chip_h <= 0.0:
        return float("inf"), float("inf"), float("inf")
    low, typical, high = (
        usd / (saving_usd_per_chip_h * chip_life_h(opposite(level)))
        for usd, level in zip(project.nre_usd, LEVELS, strict=True)
    )
    return low, typical, high


def months_that_eat(gain_ratio: float, *, level: Level = "typical") -> float:
    """Months after which the market sells for the baseline's money what the design gains; 0 where it gains nothing."""
    yearly = np.log(nre_constants.MARKET_RATIO_PER_YEAR.at(level))
    return 12.0 * float(np.log1p(max(gain_ratio, 0.0)) / yearly)
