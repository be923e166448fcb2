"""Change points of a rate told in counts: penalised likelihood, a test against no rise, and how sure the place is."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

PENALTY_PER_CHANGE = 2.0
"""A change must gain this many times log(events) of log likelihood: two parameters (place and level) at the price of
Schwarz (Ann. Stat. 6 (1978) 461), and as much again for the choice among all places. The test decides in the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Events and what they are out of, cell by cell.

    Attributes:
        events: how many happened, per cell.
        exposure: time (`is_share` false) or trials (`is_share` true) in which they could, per cell.
        is_share: whether events are a share of trials (binomial) and not a rate over time (Poisson).
    """

    events: Floats
    exposure: Floats
    is_share: bool

    def part(self, first: int, end: int) -> "Counts":
        """Cells from `first` up to, not including, `end`."""
        return Counts(events=self.events[first:end], exposure=self.exposure[first:end], is_share=self.is_share)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rise:
    """A place from which a rate is higher than before.

    Attributes:
        cell: first cell of the higher rate.
        low_cell: lower end of the 95 % interval of the place.
        high_cell: upper end.
        before: rate before, per unit of exposure.
        after: rate from there to the next change.
        p_value: chance of so clear a rise if the rate did not change.
        gain: log likelihood ratio of the rise against one rate over both stretches.
    """

    cell: int
    low_cell: int
    high_cell: int
    before: float
    after: float
    p_value: float
    gain: float


def log_likelihood(events: Floats, exposure: Floats, *, is_share: bool) -> Floats:
    """Largest log likelihood of a constant rate over each stretch, without terms that do not depend on the rate."""
    with np.errstate(divide="ignore", invalid="ignore"):
        told = np.where(events > 0, events * np.log(events / exposure), 0.0)
        if is_share:
            rest = exposure - events
            told = told + np.where(rest > 0, rest * np.log(rest / exposure), 0.0)
    return np.nan_to_num(told, nan=0.0, posinf=0.0, neginf=0.0)


def change_points(counts: Counts) -> list[int]:
    """First cells of the stretches after the first, of the partition of largest penalised likelihood.

    Optimal partitioning (Jackson et al., IEEE Signal Process. Lett. 12 (2005) 105) over all places.
    """
    cells = len(counts.events)
    penalty = PENALTY_PER_CHANGE * np.log(max(float(counts.events.sum()), 2.0))
    events = np.concatenate(([0.0], np.cumsum(counts.events)))
    exposure = np.concatenate(([0.0], np.cumsum(counts.exposure)))
    best, came_from = np.zeros(cells + 1), np.zeros(cells + 1, np.int64)
    for end in range(1, cells + 1):
        stretch = log_likelihood(events[end] - events[:end], exposure[end] - exposure[:end], is_share=counts.is_share)
        total = best[:end] + stretch - penalty
        came_from[end] = int(np.argmax(total))
        best[end] = total[came_from[end]]
    found, end = [], cells
    while came_from[end] > 0:
        end = int(came_from[end])
        found.append(end)
    return found[::-1]


def rises(counts: Counts, rng: np.random.Generator, *, draws: int = 999) -> list[Rise]:
    """The change points at which the rate goes up, each tested and placed within its two neighbouring stretches.

    The test draws the events of both stretches anew under one rate, given their number, and compares the largest
    likelihood ratio of any rise. The interval draws them under the two rates that were found and estimates the place
    again; it is widened by a cell on each side, because a change inside a cell shows at either edge.

    Args:
        counts: events and exposure by cell.
        rng: source of the draws.
        draws: how many for the test and for the interval.
    """
    bounds = _without_mixed_cells(counts, [0, *change_points(counts), len(counts.events)])
    found = []
    for first, cell, end in zip(bounds, bounds[1:], bounds[2:], strict=False):
        before, after = _rate(counts.part(first, cell)), _rate(counts.part(cell, end))
        if after <= before:
            continue
        around = counts.part(first, end)
        places = _places_found(around, cell - first, rng, draws)
        low, high = (int(np.quantile(places, share, method="nearest")) for share in (0.025, 0.975))
        p_value, gain = _tested(around, rng, draws)
        found.append(
            Rise(
                cell=cell,
                low_cell=max(first + low - 1, 0),
                high_cell=first + high + 1,
                before=before,
                after=after,
                p_value=p_value,
                gain=gain,
            )
        )
    return found


def _without_mixed_cells(counts: Counts, bounds: list[int]) -> list[int]:
    """The bounds without stretches of one cell between a lower and a higher rate: a change inside a cell mixes both."""
    kept = list(bounds)
    for place in range(len(bounds) - 3, 0, -1):
        first, start, end, last = (kept[place + shift] for shift in (-1, 0, 1, 2))
        before, mixed, after = (_rate(counts.part(*pair)) for pair in ((first, start), (start, end), (end, last)))
        if end - start == 1 and before < mixed < after:
            del kept[place if mixed - before < after - mixed else place + 1]
    return kept


def _rate(counts: Counts) -> float:
    exposure = float(counts.exposure.sum())
    return float(counts.events.sum()) / exposure if exposure > 0 else 0.0


def _gains_of_rise(drawn: Floats, exposure: Floats, *, is_share: bool) -> Floats:
    """Gain in log likelihood of a rise before each cell but the first; rows are draws; no gain for a fall."""
    events_left = np.cumsum(drawn, axis=1)[:, :-1]
    exposure_left = np.cumsum(exposure)[:-1]
    events, whole = drawn.sum(axis=1, keepdims=True), exposure.sum()
    events_right, exposure_right = events - events_left, whole - exposure_left
    gain = (
        log_likelihood(events_left, exposure_left, is_share=is_share)
        + log_likelihood(events_right, exposure_right, is_share=is_share)
        - log_likelihood(events, whole, is_share=is_share)
    )
    rises_there = events_right * exposure_left > events_left * exposure_right
    return np.where(rises_there, gain, 0.0)


def _drawn(counts: Counts, rng: np.random.Generator, draws: int) -> Floats:
    """The events spread anew over the cells at one rate, given their number."""
    total = int(counts.events.sum())
    if counts.is_share:
        trials = counts.exposure.astype(np.int64)
        return rng.multivariate_hypergeometric(trials, total, size=draws, method="marginals").astype(np.float64)
    return rng.multinomial(total, counts.exposure / counts.exposure.sum(), size=draws).astype(np.float64)


def _tested(counts: Counts, rng: np.random.Generator, draws: int) -> tuple[float, float]:
    """Chance of a rise as clear as the clearest one if there were none, and that one's gain."""
    observed = _gains_of_rise(counts.events[None, :], counts.exposure, is_share=counts.is_share).max()
    drawn = _gains_of_rise(_drawn(counts, rng, draws), counts.exposure, is_share=counts.is_share).max(axis=1)
    return float(1 + (drawn >= observed).sum()) / (draws + 1), float(observed)


def _places_found(counts: Counts, cell: int, rng: np.random.Generator, draws: int) -> Ints:
    """Places at which a rise is found again in data drawn from the two rates that were found."""
    parts = [_drawn(part, rng, draws) for part in (counts.part(0, cell), counts.part(cell, len(counts.events)))]
    gains = _gains_of_rise(np.hstack(parts), counts.exposure, is_share=counts.is_share)
    return np.asarray(np.argmax(gains, axis=1) + 1, dtype=np.int64)
