"""From search to recommendation: finalists simplified, predicted, re-evaluated in full, and judged."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from jaxtyping import Float

from hwmodel.catalog import ChipDesign
from hwmodel.design.evaluate import Evaluation, evaluate, evaluate_many
from hwmodel.design.scenario import Scenario, guessing
from hwmodel.design.search import CURVE, EvaluationLog, Progress, SearchResult
from hwmodel.design.silicon import silicon_interval
from hwmodel.design.space import DesignSpace

WORTHLESS_RATIO = 0.005
"""A change that buys less than this by prediction is taken back: a simpler design is easier to build."""

Worth = Callable[[Sequence[Float[np.ndarray, "parameters"]]], Float[np.ndarray, "points"]]


class Seat(StrEnum):
    """Why a design is a finalist."""

    TODAY = "most value today"
    WORST_CASE = "least given away in the worst scenario"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """A finalist. Ratios are value per dollar over the baseline's."""

    rank: int
    design: ChipDesign
    point: tuple[float, ...]
    changes: dict[str, tuple[float, float]]
    """Parameter: before, after, in SI."""
    predicted: tuple[float, float, float]
    """Mean, low, high before the re-evaluation, with the emulator's interval."""
    reevaluated_ratio: float | None
    """None where the full replay found no fleet."""
    silicon: tuple[float, float]
    """Range of the re-evaluated ratio under the chip model's own error on ratios of chips."""
    evaluation: Evaluation | None
    seat: Seat = Seat.TODAY

    @property
    def is_recommended(self) -> bool:
        """Whether the silicon interval excludes no gain."""
        return self.reevaluated_ratio is not None and self.silicon[0] > 1.0


def recommend(
    space: DesignSpace, found: SearchResult, full: Scenario, *, log: EvaluationLog, progress: Progress
) -> tuple[Evaluation, tuple[Recommendation, ...]]:
    """Re-evaluate baseline and finalists on the full scenario; every prediction is logged before.

    Returns:
        The baseline's full evaluation, and the finalists by re-evaluated value.
    """
    seats = _finalists(space, found)
    points = [point for point, _ in seats]
    predicted = predict_points(space, found, points)
    designs = [space.designs(point[None, :]).row(0) for point in points]
    for design, triple in zip(designs, predicted, strict=True):
        log.predicted(design, triple, "recommended")
    progress.advance("re-evaluation", 0, len(points) + 1)
    full = guessing(full, found.baseline.guesses())
    baseline = evaluate(space.baseline, full)
    log.evaluated(baseline, 1.0, "baseline")
    progress.advance("re-evaluation", 1, len(points) + 1)
    finals = []
    evaluations = evaluate_many(designs, full)
    for (point, seat), design, triple, result in zip(seats, designs, predicted, evaluations, strict=True):
        ratio = None if result is None else result.curves[CURVE] / baseline.curves[CURVE]
        if result is not None and ratio is not None:
            log.evaluated(result, ratio, "recommended")
        finals.append(
            Recommendation(
                rank=0,
                design=design,
                point=tuple(point.tolist()),
                changes=space.changes(point.tolist()),
                predicted=triple,
                reevaluated_ratio=ratio,
                silicon=silicon_interval(space.baseline, design, ratio or 0.0),
                evaluation=result,
                seat=seat,
            )
        )
    progress.advance("re-evaluation", len(points) + 1, len(points) + 1)
    ordered = sorted(finals, key=lambda r: -(r.reevaluated_ratio or 0.0))
    return baseline, tuple(replace(r, rank=rank) for rank, r in enumerate(ordered, start=1))


def simplest(
    space: DesignSpace,
    found: SearchResult,
    point: Float[np.ndarray, "parameters"],
    worth: Worth | None = None,
) -> Float[np.ndarray, "parameters"]:
    """Take back, one by one, the changes that buy next to nothing, as long as the design stays feasible.

    Args:
        space: Where the point lies.
        found: Knows which points are feasible.
        point: A feasible one.
        worth: What is bought, of points that are feasible or not; predicted value per dollar today by default.
    """
    base, scored = space.base_point, frozenset(found.scored.designs.name)
    ask = worth or (lambda points: np.array([mean for mean, _, _ in predict_points(space, found, list(points))]))
    while True:
        changed = np.flatnonzero(space.is_changed(point))
        trials = np.repeat(point[None, :], changed.size, axis=0)
        trials[np.arange(changed.size), changed] = base[changed]
        known = np.array([name in scored for name in space.ids(trials)], dtype=bool)
        if not known.any():
            return point
        means = ask([point, *trials])
        kept = np.where(known, means[1:], -np.inf)
        if kept.max() < means[0] * (1.0 - WORTHLESS_RATIO):
            return point
        point = trials[int(kept.argmax())]


def predict_points(
    space: DesignSpace, found: SearchResult, points: list[Float[np.ndarray, "parameters"]]
) -> list[tuple[float, float, float]]:
    """Mean, low and high of points over the baseline, by closed form and learned residual."""
    found_of = found.learned.over_baseline(space, np.stack(points))
    rows = np.stack([found_of.mean, found_of.low, found_of.high], axis=1)
    return [(float(mean), float(low), float(high)) for mean, low, high in rows]


def _finalists(space: DesignSpace, found: SearchResult) -> list[tuple[Float[np.ndarray, "parameters"], Seat]]:
    """The best designs that are still different once simplified; one that comes down to the baseline is none.

    One more seat is for the design that gives least away in its worst scenario, if none of them is as firm.
    """
    chosen: dict[tuple[float, ...], Float[np.ndarray, parameters]] = {}
    for row in found.finalists:
        point = simplest(space, found, found.scored.points[row])
        if space.changes(point.tolist()):
            chosen.setdefault(tuple(point.tolist()), point)
        if len(chosen) == found.finalists_count:
            break
    seats = [(point, Seat.TODAY) for point in chosen.values()]
    firm = _firmest(space, found, list(chosen.values()))
    return seats if firm is None else [*seats, (firm, Seat.WORST_CASE)]


def _firmest(
    space: DesignSpace, found: SearchResult, chosen: Sequence[Float[np.ndarray, "parameters"]]
) -> Float[np.ndarray, "parameters"] | None:
    """The design of the best worst case, its idle changes taken back; None where one of those chosen is as firm."""
    row_of = {name: row for row, name in enumerate(found.scored.designs.name)}

    def worth(points: Sequence[Float[np.ndarray, "parameters"]]) -> Float[np.ndarray, "points"]:
        rows = [row_of.get(name) for name in space.ids(np.stack(points))]
        return np.array([-np.inf if row is None else found.least_kept_ratio[row] for row in rows])

    firm = simplest(space, found, found.scored.points[found.firmest], worth)
    most = max(worth(chosen), default=0.0) if chosen else 0.0
    is_firmer = worth([firm])[0] * (1.0 - WORTHLESS_RATIO) > most
    return firm if is_firmer and space.changes(firm.tolist()) else None
