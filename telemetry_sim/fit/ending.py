"""Fits what a session's context does to it: which sessions have a limit, when prompts shrink, when sessions end."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from telemetry_sim.fit.mixture_fit import fit_law
from telemetry_sim.fitted.mixture import MixtureLaw
from telemetry_sim.fitted.surface import ClassShare, ContextLaw, Driver, EndLaw
from telemetry_sim.laws import Bools, Floats, Ints

STEP_EDGES = (0, 1, 2, 3, 5, 8, 12, 18, 27, 40, 60, 90, 130, 200, 300)
"""Assumed: bands of calls so far widen by about a half."""
MOST_BANDS = 16
ENDS_PER_BAND, SHRINKS_PER_BAND = 12, 8
PRIOR_ENDS = 2.0
"""Assumed: factors are drawn towards 1 by this many ends."""
ROUNDS = 30
BEYOND_RATIO = 2
"""Assumed: a session may last this many times the longest one of the trace."""
LEAST_SHRINKS = 20
LIMIT_SHARE, LIMIT_MARGIN = 0.9, 1.02
"""Assumed: a limit is where 90 % of the shrinking prompts have shrunk, and 2 % more."""
LIMIT_WIDTH_RATIO = 0.5
"""Assumed: shrinking prompts whose middle half is wider than this share of its median show no limit."""
LEAST_LARGE = 8
LEAST_OF_CLASS = 30
LARGE = 2
FIRST_SHARES = (0.25, 0.5, 0.75)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextFit:
    """All that the context decides."""

    ending: EndLaw
    classes: ClassShare
    contexts: tuple[ContextLaw, ...]
    kept_ratio: MixtureLaw | None
    parted_at: Floats
    """First prompts that part fresh from resumed sessions, and these from those beyond the limit."""
    is_large: Bools
    """By session: whether its context knew no limit."""


def fit_contexts(main: pl.DataFrame) -> ContextFit:
    """Classes of sessions, hazards of shrinking and rates of ending.

    Args:
        main: Calls of main agents, sorted, as `laid_out` gives them.
    """
    steps = main.filter(pl.col("growth_tokens").is_not_null())
    events = steps.filter(pl.col("growth_tokens") < 0)
    limit = _limit_of(events)
    longest = main.group_by("session", maintain_order=True).agg(
        pl.col("input_tokens").max(), first=pl.col("input_tokens").first()
    )
    is_large = (longest["input_tokens"] > limit).to_numpy()
    if is_large.sum() < LEAST_LARGE or (~is_large).sum() < LEAST_LARGE:
        limit, is_large = np.inf, np.zeros(longest.height, dtype=np.bool_)
    first = longest["first"].to_numpy().astype(np.float64)
    resumed_from = _resumed_from(first[~is_large])
    kind = np.where(is_large, 2, (first > resumed_from).astype(np.int64))
    place = main["place"].to_numpy()
    most = int(place.max()) + 1
    step_edges = np.array([edge for edge in STEP_EDGES if edge < most - 1], dtype=np.float64)
    end_edges, rate, factors = _ends(main, kind, step_edges)
    tallest = int(main["input_tokens"].max())  # type: ignore[arg-type]
    contexts = []
    for number, (edges, factor) in enumerate(zip(end_edges, factors, strict=True)):
        mine = kind[steps["session"].to_numpy()] == number
        shrink_edges, hazards = _shrinks(steps.filter(pl.Series(mine)))
        contexts.append(
            ContextLaw(
                most_tokens=tallest if number == LARGE or not np.isfinite(limit) else int(limit),
                shrink_edges_tokens=_numbers(shrink_edges),
                tool_hazard_ratio=_numbers(hazards[Driver.TOOL]),
                human_hazard_ratio=_numbers(hazards[Driver.HUMAN]),
                end_edges_tokens=_numbers(edges),
                end_factor_ratio=_numbers(factor),
            )
        )
    ratio = (events["input_tokens"] / events["before_input_tokens"]).to_numpy()
    return ContextFit(
        ending=EndLaw(
            step_edges_count=_numbers(step_edges),
            step_rate_ratio=_numbers(rate),
            most_calls=most * BEYOND_RATIO if most > 1 else 1,
        ),
        classes=_class_shares(first, is_large, limit, resumed_from),
        contexts=tuple(contexts),
        kept_ratio=fit_law(ratio, grid=0.001, most_components=4) if len(ratio) else None,
        parted_at=np.array([resumed_from, limit]),
        is_large=is_large,
    )


def _numbers(values: Floats) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def _limit_of(events: pl.DataFrame) -> float:
    """Context that ordinary sessions do not pass; infinite where shrinking prompts lie too far apart to show one."""
    if events.height < LEAST_SHRINKS:
        return float("inf")
    at = events["before_input_tokens"].to_numpy().astype(np.float64)
    low, middle, high = np.quantile(at, (0.25, 0.5, 0.75))
    return float(np.quantile(at, LIMIT_SHARE) * LIMIT_MARGIN) if high - low < LIMIT_WIDTH_RATIO * middle else np.inf


def _resumed_from(first: Floats) -> float:
    """First prompt that parts fresh from resumed sessions: Otsu's threshold on the logarithm; infinite for few."""
    logs = np.sort(np.log(np.maximum(first, 1.0)))
    if len(logs) < LEAST_OF_CLASS * 2 or logs[0] == logs[-1]:
        return float("inf")
    count = np.arange(1, len(logs))
    left = np.cumsum(logs)[:-1] / count
    right = (logs.sum() - np.cumsum(logs)[:-1]) / (len(logs) - count)
    parted = count * (len(logs) - count) * (left - right) ** 2
    at = int(np.argmax(parted))
    if min(at + 1, len(logs) - at - 1) < LEAST_OF_CLASS:
        return float("inf")
    return float(np.exp(0.5 * (logs[at] + logs[at + 1])))


def _class_shares(first: Floats, is_large: Bools, limit: float, resumed_from: float) -> ClassShare:
    if not is_large.any():
        return ClassShare(resumed_from_tokens=resumed_from, first_edges_tokens=(), large_ratio=(0.0,))
    below = first[first <= limit]
    edges = np.unique(np.append(np.quantile(below, FIRST_SHARES), limit))
    band = np.searchsorted(edges, first)
    count = np.bincount(band, minlength=len(edges) + 1)
    share = np.bincount(band, is_large, len(edges) + 1) / np.maximum(count, 1)
    share[-1] = 1.0
    return ClassShare(resumed_from_tokens=resumed_from, first_edges_tokens=_numbers(edges), large_ratio=_numbers(share))


def _shrinks(steps: pl.DataFrame) -> tuple[Floats, dict[Driver, Floats]]:
    """Bands of the context with equal numbers of shrinking prompts, and the hazard in each by driver."""
    events = steps.filter(pl.col("growth_tokens") < 0)
    bands = min(MOST_BANDS, events.height // SHRINKS_PER_BAND)
    edges = np.zeros(0)
    if bands >= 1:
        at = events["before_input_tokens"].to_numpy().astype(np.float64)
        edges = np.unique(np.quantile(at, np.linspace(0.0, 1.0, bands + 1)))
        edges[-1] += 1.0
    hazards = {}
    for driver in (Driver.TOOL, Driver.HUMAN):
        mine = steps.filter(pl.col("driver") == driver.value)
        place = np.searchsorted(edges, mine["before_input_tokens"].to_numpy())
        shrank = (mine["growth_tokens"] < 0).to_numpy().astype(np.float64)
        count = np.bincount(place, minlength=len(edges) + 1)
        hazards[driver] = np.bincount(place, shrank, len(edges) + 1) / np.maximum(count, 1.0)
    return edges, hazards


def _ends(main: pl.DataFrame, kind: Ints, step_edges: Floats) -> tuple[list[Floats], Floats, list[Floats]]:
    """Rates by calls so far and factors by context, by alternating fits (Poisson likelihood of the ends)."""
    place = main["place"].to_numpy()
    ends = (place == main["calls_count"].to_numpy() - 1) * main["ended"].to_numpy()
    context = main["input_tokens"].to_numpy().astype(np.float64)
    own = kind[main["session"].to_numpy()]
    step_band = np.searchsorted(step_edges, place)
    if len(step_edges) == 0 and place.max() == 0:
        return [np.zeros(0)], np.array([np.inf]), [np.ones(1)]
    band = np.zeros(len(place), dtype=np.int64)
    all_edges: list[Floats] = []
    offset = 0
    for number in range(int(kind.max()) + 1):
        at = context[(ends > 0) & (own == number)]
        bands = int(min(MOST_BANDS, max(len(at) // ENDS_PER_BAND, 1)))
        edges = np.unique(np.quantile(at, np.linspace(0.0, 1.0, bands + 1)[1:-1])) if bands > 1 else np.zeros(0)
        band[own == number] = offset + np.searchsorted(edges, context[own == number])
        offset += len(edges) + 1
        all_edges.append(edges)
    rate, factor = _rates(ends, step_band, band, len(step_edges) + 1, offset)
    sizes = np.cumsum([len(edges) + 1 for edges in all_edges])[:-1]
    return all_edges, rate, list(np.split(factor, sizes))


def _rates(ends: Floats, step_band: Ints, context_band: Ints, steps: int, contexts: int) -> tuple[Floats, Floats]:
    events_step = np.bincount(step_band, ends, steps)
    events_context = np.bincount(context_band, ends, contexts)
    factor = np.ones(contexts)
    rate = np.zeros(steps)
    for _ in range(ROUNDS):
        rate = events_step / np.maximum(np.bincount(step_band, factor[context_band], steps), 1e-9)
        expected = np.bincount(context_band, rate[step_band], contexts)
        factor = (events_context + PRIOR_ENDS) / (expected + PRIOR_ENDS)
    return rate, factor
