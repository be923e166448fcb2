"""Fitting the law of one quantity: candidates from one family to mixtures, chosen by penalised likelihood."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numba import njit
from scipy.special import digamma, logsumexp, polygamma

from telemetry_sim.fitted.mixture import Component, ComponentKind, MixtureLaw
from telemetry_sim.laws import Floats

MOST_COMPONENTS = 12
MOST_BINS = 600
EM_ROUNDS = 1_000
EM_GAIN = 1e-7
LEAST_TAIL = 30
VALUES_PER_COMPONENT = 12
LEAST_SIGMA = 0.002
POINT_SHARE = 0.004
"""A value that holds more than this share, and far more than its neighbours, is a point of mass."""
POINT_EXCESS = 4.0
MOST_POINTS = 12
TAIL_SHARES = (0.02, 0.05, 0.1)
"""Shares of the largest values that a Pareto tail is tried on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """The distinct values of a sample as cells [low, high) of the grid, with their counts."""

    values: Floats
    counts: Floats
    grid: float

    @classmethod
    def of(cls, values: Floats, grid: float) -> "Cells":
        """Counts the distinct values, rounded to the grid."""
        found, counts = np.unique(np.rint(values / grid) * grid, return_counts=True)
        return cls(values=found, counts=counts.astype(np.float64), grid=grid)

    @property
    def total(self) -> float:
        """Number of values."""
        return float(self.counts.sum())

    def log_likelihood(self, law: MixtureLaw) -> float:
        """Of the rounded data: each value stands for its cell."""
        half = 0.5 * self.grid
        mass = law.below(self.values + half) - law.below(self.values - half)
        return float((self.counts * np.log(np.maximum(mass, 1e-12))).sum())


def fit_law(
    values: Floats, *, grid: float = 1.0, shift: float = 0.0, most_components: int = MOST_COMPONENTS
) -> MixtureLaw:
    """The law of a sample of positive values, chosen by the Bayesian information criterion on the rounded data.

    Args:
        values: At least one finite value; zeros are taken as half a grid step.
        grid: Step that the source rounded to.
        shift: Floor under all values (times of a proxy that adds a constant).
        most_components: Largest mixture tried.
    """
    cells = Cells.of(np.asarray(values, dtype=np.float64), grid)
    points = _points(cells)
    rest = _without(cells, points)
    if len(rest.values) <= 1:
        return _only_points(cells)
    spread, weights = _spread(rest, shift)
    share = rest.total / cells.total
    best: MixtureLaw | None = None
    worse = 0
    for family, parts in _candidates(spread, weights, most_components, cells.total):
        scaled = tuple(replace(part, weight_ratio=part.weight_ratio * share) for part in parts)
        law = _law(family, (*scaled, *points), cells, shift)
        bic = law.parameter_count * math.log(cells.total) - 2.0 * cells.log_likelihood(law)
        if best is None or bic < best.bic_per_value * cells.total:
            best, worse = replace(law, bic_per_value=bic / cells.total), 0
        elif family.startswith("lognormal_mixture"):
            worse += 1
            if worse >= 3:
                break
    if best is None:
        return _only_points(cells)
    return best


def _law(family: str, parts: tuple[Component, ...], cells: Cells, shift: float) -> MixtureLaw:
    total = sum(part.weight_ratio for part in parts)
    return MixtureLaw(
        family=family,
        components=tuple(replace(part, weight_ratio=part.weight_ratio / total) for part in parts),
        shift=shift,
        low=float(cells.values[0]),
        high=float(cells.values[-1]),
        grid=cells.grid,
        values_count=int(cells.total),
    )


def _only_points(cells: Cells) -> MixtureLaw:
    kept = np.argsort(-cells.counts, kind="stable")[:MOST_POINTS]
    total = cells.counts[kept].sum()
    parts = tuple(
        Component(kind=ComponentKind.POINT, weight_ratio=float(cells.counts[i] / total), first=float(cells.values[i]))
        for i in np.sort(kept)
    )
    return _law("points", parts, cells, 0.0)


def _points(cells: Cells) -> tuple[Component, ...]:
    """Values that hold a real share of the mass and stand far above their neighbours."""
    if len(cells.values) < 3:
        return ()
    total = cells.total
    reach = 10
    padded = np.pad(cells.counts, reach, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)
    near = np.median(windows, axis=1)
    span = np.diff(np.pad(cells.values, 1, mode="edge"))
    step = np.maximum(0.5 * (span[:-1] + span[1:]), cells.grid)
    typical = np.median(
        np.lib.stride_tricks.sliding_window_view(np.pad(step, reach, mode="edge"), 2 * reach + 1), axis=1
    )
    expected = near * np.minimum(step / typical, 3.0)
    excess = cells.counts - expected
    stands_out = (cells.counts > POINT_EXCESS * expected) & (excess > np.maximum(POINT_SHARE * total, 8.0))
    places = np.flatnonzero(stands_out)
    places = places[np.argsort(-excess[places], kind="stable")[:MOST_POINTS]]
    return tuple(
        Component(kind=ComponentKind.POINT, weight_ratio=float(excess[i] / total), first=float(cells.values[i]))
        for i in np.sort(places)
    )


def _without(cells: Cells, points: tuple[Component, ...]) -> Cells:
    counts = cells.counts.copy()
    for point in points:
        counts[np.searchsorted(cells.values, point.first)] -= point.weight_ratio * cells.total
    kept = counts > 1e-9
    return Cells(values=cells.values[kept], counts=counts[kept], grid=cells.grid)


def _spread(cells: Cells, shift: float) -> tuple[Floats, Floats]:
    """Logarithms of the shifted values, each cell spread evenly, in at most `MOST_BINS` weighted bins."""
    pieces = np.clip(np.ceil(cells.counts).astype(np.int64), 1, 9)
    owner = np.repeat(np.arange(len(pieces)), pieces)
    first = np.concatenate(([0], np.cumsum(pieces)[:-1]))
    place = (np.arange(len(owner)) - first[owner] + 0.5) / pieces[owner] - 0.5
    moved = np.maximum(cells.values[owner] + place * cells.grid - shift, 0.02 * cells.grid)
    logs, weights = np.log(moved), cells.counts[owner] / pieces[owner]
    if len(logs) <= MOST_BINS:
        return logs, np.asarray(weights, dtype=np.float64)
    order = np.argsort(logs, kind="stable")
    logs, weights = logs[order], weights[order]
    summed = np.cumsum(weights)
    edges = np.linspace(logs[0], logs[-1], MOST_BINS // 2)
    by_share = np.minimum((summed / summed[-1] * (MOST_BINS // 2)).astype(np.int64), MOST_BINS // 2 - 1)
    _, labels = np.unique(np.searchsorted(edges, logs, side="right") * MOST_BINS + by_share, return_inverse=True)
    total = np.bincount(labels, weights)
    return np.bincount(labels, weights * logs) / total, np.asarray(total, dtype=np.float64)


def _candidates(logs: Floats, weights: Floats, most: int, total: float) -> Iterator[tuple[str, tuple[Component, ...]]]:
    """Families from simple to rich, each made only when it is asked for."""
    mean = float(np.average(logs, weights=weights))
    sigma = max(math.sqrt(float(np.average((logs - mean) ** 2, weights=weights))), LEAST_SIGMA)
    one = Component(kind=ComponentKind.LOGNORMAL, weight_ratio=1.0, first=mean, second=sigma)
    yield "lognormal", (one,)
    yield "gamma", (_gamma(logs, weights),)
    yield "weibull", (_weibull(logs, weights),)
    for share in TAIL_SHARES:
        if total * share >= LEAST_TAIL:
            yield _with_tail(logs, weights, share)
    for count in range(2, most + 1):
        if total < VALUES_PER_COMPONENT * count:
            return
        yield f"lognormal_mixture_{count}", lognormal_mixture(logs, weights, count)


def _gamma(logs: Floats, weights: Floats) -> Component:
    """Maximum likelihood: log(shape) - digamma(shape) = log(mean) - mean(log)."""
    mean = float(np.average(np.exp(logs), weights=weights))
    gap = max(math.log(mean) - float(np.average(logs, weights=weights)), 1e-6)
    shape = (3 - gap + math.sqrt((gap - 3) ** 2 + 24 * gap)) / (12 * gap)
    for _ in range(20):
        shape = max(shape - (math.log(shape) - digamma(shape) - gap) / (1 / shape - polygamma(1, shape)), 1e-3)
    return Component(kind=ComponentKind.GAMMA, weight_ratio=1.0, first=float(shape), second=float(mean / shape))


def _weibull(logs: Floats, weights: Floats) -> Component:
    """Maximum likelihood by Newton steps on the shape, on logarithms centred for safety."""
    middle = float(np.average(logs, weights=weights))
    centred = logs - middle
    spread = math.sqrt(float(np.average(centred**2, weights=weights)))
    shape = math.pi / math.sqrt(6.0) / max(spread, LEAST_SIGMA)
    for _ in range(50):
        powers = weights * np.exp(np.clip(shape * centred, -700, 700))
        first, second = (powers * centred).sum() / powers.sum(), (powers * centred**2).sum() / powers.sum()
        slope = second - first**2 + 1.0 / shape**2
        shape = min(max(shape - (first - 1.0 / shape) / slope, 0.5 * shape), 2.0 * shape)
    scale = math.exp(middle + float(logsumexp(shape * centred, b=weights / weights.sum())) / shape)
    return Component(kind=ComponentKind.WEIBULL, weight_ratio=1.0, first=float(shape), second=scale)


def _with_tail(logs: Floats, weights: Floats, share: float) -> tuple[str, tuple[Component, ...]]:
    """A lognormal body and a Pareto tail above the (1 - share) quantile (Hill's estimator)."""
    order = np.argsort(logs)
    summed = np.cumsum(weights[order]) / weights.sum()
    cut = float(logs[order][np.searchsorted(summed, 1.0 - share)])
    above = logs > cut
    exponent = float(weights[above].sum() / max((weights[above] * (logs[above] - cut)).sum(), 1e-9))
    body = lognormal_mixture(logs[~above], weights[~above], 1)[0]
    held = float(weights[above].sum() / weights.sum())
    tail = Component(kind=ComponentKind.PARETO, weight_ratio=held, first=max(exponent, 0.05), second=math.exp(cut))
    return "lognormal_pareto", (replace(body, weight_ratio=1.0 - held), tail)


def lognormal_mixture(logs: Floats, weights: Floats, count: int) -> tuple[Component, ...]:
    """Mixture of normals on the logarithms by expectation maximisation, started on equal shares.

    Args:
        logs: Logarithms of the values, shape (bins,).
        weights: Weight of each, same shape.
        count: Number of components.
    """
    order = np.argsort(logs, kind="stable")
    x, w = logs[order], weights[order] / weights.sum()
    label = np.minimum(((np.cumsum(w) - 0.5 * w) * count).astype(np.int64), count - 1)
    share = np.maximum(np.bincount(label, w, count), 1e-9)
    mean = np.bincount(label, w * x, count) / share
    sigma = np.sqrt(np.bincount(label, w * (x - mean[label]) ** 2, count) / share + LEAST_SIGMA**2)
    _climb(x, w, share, mean, sigma, EM_ROUNDS, EM_GAIN, LEAST_SIGMA)
    share = share / share.sum()
    return tuple(
        Component(kind=ComponentKind.LOGNORMAL, weight_ratio=float(a), first=float(b), second=float(c))
        for a, b, c in zip(share, mean, sigma, strict=True)
    )


@njit(cache=True)
def _climb(
    x: Floats, w: Floats, share: Floats, mean: Floats, sigma: Floats, rounds: int, gain: float, least: float
) -> None:
    """Rounds of expectation maximisation until the mean log-likelihood gains less than `gain`; changes its arrays."""
    count = len(share)
    logp = np.empty(count)
    before = -np.inf
    for _ in range(rounds):
        total, first, second = np.zeros(count), np.zeros(count), np.zeros(count)
        now = 0.0
        for i in range(len(x)):
            top = -np.inf
            for k in range(count):
                logp[k] = np.log(share[k] / sigma[k]) - 0.5 * ((x[i] - mean[k]) / sigma[k]) ** 2
                top = max(top, logp[k])
            norm = 0.0
            for k in range(count):
                logp[k] = np.exp(logp[k] - top)
                norm += logp[k]
            now += w[i] * (top + np.log(norm))
            for k in range(count):
                held = w[i] * logp[k] / norm
                total[k] += held
                first[k] += held * (x[i] - mean[k])
                second[k] += held * (x[i] - mean[k]) ** 2
        for k in range(count):
            share[k] = max(total[k], 1e-9)
            move = first[k] / share[k]
            sigma[k] = np.sqrt(max(second[k] / share[k] - move * move, 0.0) + least * least)
            mean[k] += move
        if now - before < gain:
            return
        before = now
