"""What would change our mind: the mix, length, limit or price at which a rival wins."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from jaxtyping import Float

from hwmodel.catalog import ChipDesign, DesignTable
from hwmodel.design.errors import NoDeployment
from hwmodel.design.evaluate import Evaluation, evaluate_many
from hwmodel.design.explain.bisection import first_crossing
from hwmodel.design.explain.worth import Worth
from hwmodel.design.scenario import Scenario
from hwmodel.design.scenarios import TODAY, Case, CaseKind, in_cell, scenario_under
from hwmodel.design.search import CURVE
from hwmodel.physical import module_cost, tco
from hwmodel.serving import EmptyDemand
from warehouse.contracts import SURFACES

MIX_RANGE = (1.0 / 16.0, 16.0)
LENGTH_RANGE = (1.0 / 4.0, 4.0)
LIMIT_RANGE = (1.0 / 4.0, 4.0)
PRICE_RANGE = (1.0 / 4.0, 8.0)
CONFIRMED_LOG = 0.05
"""A replay that holds winner and rival this near at a threshold confirms it. Assumed: about what two replays of the
same cell differ by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lever:
    """Something that may turn out otherwise, as a multiple of what it is today."""

    name: str
    span: tuple[float, float]
    case: Callable[[float], Case] | None = None
    """The demand at a multiple; None where the demand stays."""
    price: Callable[[DesignTable, float], Float[np.ndarray, "designs"]] | None = None
    """Cost of a chip-hour over today's at a multiple; None where prices stay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """Where a rival would win along one lever."""

    lever: str
    rival: str
    span: tuple[float, float]
    threshold: float | None
    """Nearest multiple of today's at which the rival wins in the anchored closed form; None inside the whole span."""
    replayed_ratio: float | None
    """Winner over rival in the replay at the threshold; None where there is no threshold, or no fleet."""

    @property
    def is_confirmed(self) -> bool:
        """Whether the replay, too, holds both alike there."""
        return self.replayed_ratio is not None and abs(float(np.log(self.replayed_ratio))) <= CONFIRMED_LOG


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """The winner and its rivals, as they were replayed today."""

    winner: Evaluation
    rivals: Sequence[tuple[str, Evaluation]]

    @property
    def table(self) -> DesignTable:
        """The winner, then the rivals."""
        return DesignTable.of(self.designs)

    @property
    def designs(self) -> list[ChipDesign]:
        """The winner's design, then the rivals'."""
        return [e.design for e in self.evaluations]

    @property
    def evaluations(self) -> list[Evaluation]:
        """The winner, then the rivals."""
        return [self.winner, *(e for _, e in self.rivals)]


def levers_of(surfaces: Sequence[str]) -> tuple[Lever, ...]:
    """Every lever: sessions of each surface, lengths, limits, prices."""
    mix = tuple(
        Lever(name=f"sessions of {surface.replace('_', ' ')}", span=MIX_RANGE, case=_mix_case(surface))
        for surface in surfaces
    )
    return (
        *mix,
        Lever(name="length of prompts", span=LENGTH_RANGE, case=_length_case),
        Lever(name="limits of latency", span=LIMIT_RANGE, case=_limit_case),
        Lever(name="price of HBM", span=PRICE_RANGE, price=hbm_price_ratio),
        Lever(name="price of dies", span=PRICE_RANGE, price=dies_price_ratio),
        Lever(name="price of electricity", span=PRICE_RANGE, price=electricity_price_ratio),
    )


def flips(contest: Contest, today: Scenario, levers: Sequence[Lever]) -> tuple[Flip, ...]:
    """The nearest threshold of every lever and rival.

    The closed form is anchored: its ratio of winner and rival is scaled to the replay's of today, so that it starts
    from what the replay found and tells only how the ratio moves.
    """
    worth = Worth(designs=contest.table)
    found = []
    for lever in levers:
        values = _remembered(worth, today, lever)
        found += [_flip(contest, lever, at, values) for at in range(1, len(contest.rivals) + 1)]
    return tuple(found)


def confirmed(flip: Flip, contest: Contest, today: Scenario, lever: Lever, *, replicas_count: float, seed: int) -> Flip:
    """The flip with what a replay says at its threshold; a price is confirmed by the replays of today."""
    if flip.threshold is None:
        return flip
    rival = [name for name, _ in contest.rivals].index(flip.rival) + 1
    ends = [contest.evaluations[0], contest.evaluations[rival]]
    table = DesignTable.of([e.design for e in ends])
    if lever.case is not None:
        try:
            asked = in_cell(scenario_under(today, lever.case(flip.threshold)), replicas_count=replicas_count, seed=seed)
        except (EmptyDemand, NoDeployment):
            return flip
        replayed = evaluate_many([e.design for e in ends], asked)
        ends = [e for e in replayed if e is not None]
    if len(ends) < 2:
        return flip
    ratio = ends[0].curves[CURVE] / ends[1].curves[CURVE]
    if lever.price is not None:
        dearer = lever.price(table, flip.threshold)
        ratio *= float(dearer[1] / dearer[0])
    return replace(flip, replayed_ratio=ratio)


def hbm_price_ratio(designs: DesignTable, multiple: float) -> Float[np.ndarray, "designs"]:
    """Cost of a chip-hour over today's with memory at a multiple of its price."""
    return _part_ratio(designs, module_cost(designs).hbm_usd, multiple)


def dies_price_ratio(designs: DesignTable, multiple: float) -> Float[np.ndarray, "designs"]:
    """Cost of a chip-hour over today's with dies at a multiple of their price."""
    return _part_ratio(designs, module_cost(designs).dies_usd, multiple)


def electricity_price_ratio(designs: DesignTable, multiple: float) -> Float[np.ndarray, "designs"]:
    """Cost of a chip-hour over today's with electricity at a multiple of its price."""
    cost = tco(designs)
    return 1.0 + (multiple - 1.0) * cost.electricity_usd_per_chip_h / cost.typical_usd_per_chip_h


def _part_ratio(
    designs: DesignTable, part_usd: Float[np.ndarray, "designs"], multiple: float
) -> Float[np.ndarray, "designs"]:
    """A part of the module dearer: its share of the module's cost moves the chip's part of the chip-hour.

    Parts lost while placing grow with the module, and the network that is priced by the server stays: both small.
    """
    cost, module = tco(designs), module_cost(designs)
    placed = module.typical_usd - module.attach_loss_usd - module.board_usd
    share = part_usd * (1.0 + module.attach_loss_usd / placed) / module.typical_usd
    return 1.0 + (multiple - 1.0) * share * cost.chip_usd_per_chip_h / cost.typical_usd_per_chip_h


def _flip(contest: Contest, lever: Lever, rival: int, values: Callable[[float], Float[np.ndarray, "designs"]]) -> Flip:
    replayed = [e.curves[CURVE] for e in contest.evaluations]
    today = values(1.0)
    anchor = float(np.log(replayed[0] / replayed[rival]) - np.log(today[0] / today[rival]))

    def gap(multiple: float) -> float:
        now = values(multiple)
        if now[0] <= 0.0 or now[rival] <= 0.0:
            return 1.0 if now[0] > 0.0 or now[rival] <= 0.0 else -1.0
        return float(np.log(now[0] / now[rival])) + anchor

    ends = [first_crossing(gap, stop) for stop in lever.span]
    crossings = sorted((end for end in ends if end is not None), key=lambda end: abs(float(np.log(end))))
    return Flip(
        lever=lever.name,
        rival=contest.rivals[rival - 1][0],
        span=lever.span,
        threshold=crossings[0] if crossings else None,
        replayed_ratio=None,
    )


def _remembered(worth: Worth, today: Scenario, lever: Lever) -> Callable[[float], Float[np.ndarray, "designs"]]:
    """Value per dollar of winner and rivals along a lever, 0 where none can be told; rivals scan the same points."""

    @cache
    def values(multiple: float) -> Float[np.ndarray, "designs"]:
        try:
            found = worth.of(today if lever.case is None else scenario_under(today, lever.case(multiple)))
        except EmptyDemand:
            return np.zeros(len(worth.designs))
        return found if lever.price is None else found / lever.price(worth.designs, multiple)

    return values


def _mix_case(surface: str) -> Callable[[float], Case]:
    def case(multiple: float) -> Case:
        sessions = TODAY.session_ratio.copy()
        sessions[SURFACES.index(surface)] = multiple
        return Case(name=f"{multiple:.3g} x {surface}", kind=CaseKind.WHAT_IF, session_ratio=sessions)

    return case


def _length_case(multiple: float) -> Case:
    lengths = np.full(len(SURFACES), multiple)
    return Case(name=f"prompts x {multiple:.3g}", kind=CaseKind.WHAT_IF, input_ratio=lengths)


def _limit_case(multiple: float) -> Case:
    return Case(name=f"limits x {multiple:.3g}", kind=CaseKind.WHAT_IF, limit_ratio=multiple)
