"""Mixes that one surface dominates, and the elasticity of each knob group on them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float
from scipy.stats import t as student

from hwmodel.catalog import ChipDesign
from hwmodel.design.risk.knob_groups import DOMINANT_RATIO, TAKES_LESS, KnobGroup, parameters_in
from hwmodel.design.silicon import silicon_interval
from hwmodel.design.space import NODES, DesignSpace, Step, stepped, steps_around
from hwmodel.physical import limits
from hwmodel.physical.energy_constants import ENERGY_RATIO
from warehouse.contracts import Surface

FEWEST_SAMPLES = 2
"""With a spread."""
OFFERED = pl.col("value_usd_per_token") * pl.col("output_tokens") * pl.col("weight_ratio")


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One parameter to its next legal level, on a design that keeps the limits of a chip."""

    step: Step
    log_change: float
    """As `Step.log_change`; of a process that of the energy per operation."""
    design: ChipDesign

    def is_of(self, group: KnobGroup) -> bool:
        """Whether it counts for a group."""
        return self.step.parameter in parameters_in(group) and (self.step.relieves or group in TAKES_LESS)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupElasticity:
    """What a group gains by its leading move, per unit of log change of the parameter."""

    group: KnobGroup
    move: Move
    elasticity: float
    """Log gain of the curve over |log change|."""
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The expected group beside the largest."""

    expected: GroupElasticity
    largest: GroupElasticity

    @property
    def is_expected(self) -> bool:
        """Whether the expected group is the largest."""
        return self.expected.elasticity >= self.largest.elasticity

    @property
    def is_within(self) -> bool:
        """Whether the largest lies inside the expected group's own interval."""
        return self.expected.high >= self.largest.elasticity

    @property
    def overlaps(self) -> bool:
        """Whether both intervals meet: a weaker claim than `is_within`."""
        return self.expected.high >= self.largest.low

    @property
    def is_shared(self) -> bool:
        """Whether the expected group leads by a move that the largest group leads by as well."""
        return self.expected is not self.largest and self.expected.move == self.largest.move


def dominated(demand: pl.DataFrame, surface: Surface, *, ratio: float = DOMINANT_RATIO) -> pl.DataFrame:
    """A demand in which one surface offers such a share of the value; the others keep their proportions.

    Args:
        demand: Valid under `DemandCalls`: the calls of the window; needs calls of the surface and of others.
        surface: The one that dominates.
        ratio: Its share.
    """
    own = pl.col("surface").cast(pl.String) == surface.value
    offered, others = (demand.filter(side).select(OFFERED.sum()).item() for side in (own, ~own))
    times = ratio / (1.0 - ratio) * others / offered
    return demand.with_columns(
        pl.when(own).then(times).otherwise(1.0).mul(pl.col("weight_ratio")).alias("weight_ratio")
    )


def moves_around(space: DesignSpace) -> list[Move]:
    """Every feasible move to a next level whose parameter has a ratio (a topology has none)."""
    steps = steps_around(space, space.base_point)
    table = space.designs(stepped(space.base_point, steps))
    feasible = limits(table, baseline=space.baseline).feasible
    found = []
    for row, step in enumerate(steps, start=1):
        design = table.row(row)
        log_change = _energy_change(step) if step.parameter == "node" else step.log_change(table.row(0), design)
        if feasible[row] and log_change is not None:
            found.append(Move(step=step, log_change=log_change, design=design))
    return found


def _energy_change(step: Step) -> float:
    before, after = (ENERGY_RATIO[NODES[int(level)]].typical for level in (step.before, step.after))
    return float(np.log(after / before))


def leading(moves: Sequence[Move], log_gains: Sequence[float]) -> dict[KnobGroup, Move]:
    """The move of each group with the largest gain per log change."""
    found: dict[KnobGroup, Move] = {}
    for group in KnobGroup:
        own = [(g / abs(m.log_change), m) for m, g in zip(moves, log_gains, strict=True) if m.is_of(group)]
        if own:
            found[group] = max(own, key=lambda pair: pair[0])[1]
    return found


def group_elasticity(group: KnobGroup, move: Move, log_gains: Sequence[float], baseline: ChipDesign) -> GroupElasticity:
    """Mean over samples of the demand; 90 % intervals of silicon and of sampling add in squares.

    Args:
        group: Which it leads.
        move: Its leading move.
        log_gains: Replayed, one per sample; of a single one the sampling error is unknown and left out. Minus infinity
            where no fleet keeps the promises: the group then has no elasticity to rank.
        baseline: What the move starts from.
    """
    gains, step = np.asarray(log_gains, dtype=np.float64), abs(move.log_change)
    if not np.isfinite(gains).all():
        never = float("-inf")
        return GroupElasticity(group=group, move=move, elasticity=never, low=never, high=never)
    silicon = float(np.log(silicon_interval(baseline, move.design, 1.0)[1]))
    half, middle = float(np.hypot(silicon, _sampling_half_width(gains))), float(gains.mean())
    return GroupElasticity(
        group=group, move=move, elasticity=middle / step, low=(middle - half) / step, high=(middle + half) / step
    )


def _sampling_half_width(gains: Float[np.ndarray, "samples"]) -> float:
    if gains.size < FEWEST_SAMPLES:
        return 0.0
    return float(student.ppf(0.95, gains.size - 1) * gains.std(ddof=1) / np.sqrt(gains.size))


def verdict_of(groups: Sequence[GroupElasticity], expected: KnobGroup) -> Verdict:
    """The expected group beside the one with the largest elasticity; of equal ones the expected."""
    own = next(group for group in groups if group.group is expected)
    return Verdict(expected=own, largest=max(groups, key=lambda g: (g.elasticity, g is own)))


def chance_of(groups: Sequence[GroupElasticity]) -> float:
    """Share of groups that would pass had they been expected: what a passed test is worth.

    Args:
        groups: Of one mix.
    """
    verdicts = [verdict_of(groups, group.group) for group in groups]
    return sum(verdict.is_expected or verdict.is_within for verdict in verdicts) / len(KnobGroup)
