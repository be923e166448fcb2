"""The judgement of a fit: every metric of a trace of calls against what was fitted to it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain

import numpy as np
import polars as pl

from telemetry_sim.fidelity.copies import copied_runs
from telemetry_sim.fidelity.joint import rank_correlations
from telemetry_sim.fidelity.judge_streams import (
    client_measures,
    dispersion_measures,
    prefix_measures,
    tells_times,
)
from telemetry_sim.fidelity.judge_system import system_measures, system_note
from telemetry_sim.fidelity.measures import Fidelity, Measure, Overlay
from telemetry_sim.fidelity.prefix import prefix_curve, prefix_reuse_ratio
from telemetry_sim.fidelity.splits import COVERED, Imitate, Split, compared_split

SPLITS = 5
DRAWS = 20
"""Synthetic traces whose median a figure is."""
FLOOR_TIMES = 2.0
"""Bar of the issue: KS at most this often the noise floor."""
GROWTH_BAR, REUSE_BAR, CORRELATION_BAR = 0.05, 0.01, 0.1
"""Bars of the issue for context growth (KS) and prefix reuse; the last is our own, for rank correlations."""
TIMED_SYSTEM_DRAWS, SYSTEM_DRAWS = 60, 100
"""Like `DRAWS`, for the queue, whose tail scatters by a third and more from draw to draw: of a trace that tells its own
times, and of one of sessions."""
MOST_DRAWN_CALLS = 3_000_000
OVERLAY_POINTS = 99
BARRED = (
    "input_tokens",
    "output_tokens",
    "calls_per_session_count",
    "tool_gap_s",
    "human_gap_s",
    "first_context_tokens",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What is judged."""

    real: pl.DataFrame
    """The trace: a ModelCalls frame."""
    synthetic: tuple[pl.DataFrame, ...]
    """Synthetic traces of a fit on the whole of it, drawn with different seeds."""


def judge(
    calls: pl.DataFrame,
    draw: Callable[[int], pl.DataFrame],
    imitate: Imitate,
    *,
    seed: int,
    splits: int = SPLITS,
    draws: int = DRAWS,
) -> Fidelity:
    """Judges a fitted surface.

    Args:
        calls: The trace, a ModelCalls frame.
        draw: Gives a synthetic trace of the surface fitted on the whole trace, for a seed.
        imitate: Fits a part of the trace and gives a synthetic one of it.
        seed: Root of splits and draws.
        splits: Number of fresh splits.
        draws: Number of synthetic traces that figures of the whole trace are the median of.
    """
    judged = Judged(real=calls, synthetic=tuple(draw(seed + number) for number in range(draws)))
    compared = [compared_split(calls, imitate, seed + number) for number in range(splits)]
    dispersion, burstiness = dispersion_measures(judged.real, judged.synthetic)
    shares, clients = client_measures(judged.real, judged.synthetic)
    system = system_measures(judged.real, chain(judged.synthetic, _more(judged, draw, seed + draws)), seed)
    return Fidelity(
        measures=(
            *_distances(compared),
            *burstiness,
            *clients,
            *_reuse(judged),
            *prefix_measures(judged.real, judged.synthetic),
            *_correlations(judged, compared),
            *system,
            _copies(judged),
        ),
        overlays=tuple(_overlays(compared[0])),
        prefix_real=prefix_curve(calls) if _tells_lineage(calls) else None,
        prefix_synthetic=prefix_curve(judged.synthetic[0]) if _tells_lineage(calls) else None,
        dispersion=dispersion,
        rank_shares=shares,
        notes=(system_note(*system),),
    )


def _more(judged: Judged, draw: Callable[[int], pl.DataFrame], seed: int) -> Iterable[pl.DataFrame]:
    """Further synthetic traces for the queue, one at a time."""
    most = TIMED_SYSTEM_DRAWS if tells_times(judged.real) else SYSTEM_DRAWS
    wanted = min(most, MOST_DRAWN_CALLS // judged.real.height) - len(judged.synthetic)
    yield from (draw(seed + number) for number in range(wanted))


def _tells_lineage(calls: pl.DataFrame) -> bool:
    return calls["shared_prefix_tokens"].null_count() < calls.height


def _distances(compared: list[Split]) -> Iterable[Measure]:
    """KS and Wasserstein's distance of every sample, medians over the splits."""
    for name in compared[0].ks:
        told = [split for split in compared if name in split.ks]
        ks = _median(split.ks[name] for split in told)
        floor = _median(split.floor_ks[name] for split in told)
        bar = GROWTH_BAR if name == "growth_tokens" else FLOOR_TIMES * floor if name in BARRED else None
        lows, highs = zip(*(split.intervals[name] for split in told), strict=True)
        yield Measure(
            metric=name,
            ks=ks,
            wasserstein=_median(split.wasserstein[name] for split in told),
            noise_floor=floor,
            interval=(_median(lows), _median(highs)),
            bar=bar,
        )


def _reuse(judged: Judged) -> Iterable[Measure]:
    if not _tells_lineage(judged.real):
        return
    real = prefix_reuse_ratio(judged.real)
    made = [prefix_reuse_ratio(calls) for calls in judged.synthetic]
    low, high = np.quantile(made, COVERED)
    synthetic = float(np.median(made))
    yield Measure(
        metric="prefix_reuse_ratio",
        value_real=real,
        value_synthetic=synthetic,
        relative_error=synthetic - real,
        interval=(float(low), float(high)),
        bar=REUSE_BAR,
    )


def _correlations(judged: Judged, compared: list[Split]) -> Iterable[Measure]:
    real = rank_correlations(judged.real)
    made = [rank_correlations(calls) for calls in judged.synthetic[:SPLITS]]
    for name, value in real.items():
        found = [one[name] for one in made if name in one]
        if not found:
            continue
        floors = [split.floor_correlation[name] for split in compared if name in split.floor_correlation]
        synthetic = float(np.median(found))
        yield Measure(
            metric=name,
            noise_floor=_median(floors) if floors else None,
            value_real=value,
            value_synthetic=synthetic,
            relative_error=synthetic - value,
            interval=(float(min(found)), float(max(found))),
        )


def _copies(judged: Judged) -> Measure:
    found = max(copied_runs(judged.real, calls) for calls in judged.synthetic[:SPLITS])
    return Measure(
        metric="copied_runs_count", value_real=0.0, value_synthetic=float(found), relative_error=float(found), bar=0.0
    )


def _overlays(split: Split) -> Iterable[Overlay]:
    own, fresh, made = split.samples
    shares = np.linspace(0.01, 0.99, OVERLAY_POINTS)
    for name in split.ks:
        yield Overlay(
            metric=name,
            shares=shares,
            real=np.quantile(fresh[name].values, shares),
            other_half=np.quantile(own[name].values, shares),
            synthetic=np.quantile(made[name].values, shares),
        )


def _median(values: Iterable[float]) -> float:
    return float(np.median(list(values)))
