"""The part of a judgement that looks at the stream as a whole: bursts, clients and the prefix cache."""

from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl

from telemetry_sim.fidelity.clients import RANKS, rank_shares, requests_per_client
from telemetry_sim.fidelity.dispersion import (
    DISPERSION_WINDOWS_S,
    dispersion_index,
    peak_to_mean,
    rate_autocorrelation,
)
from telemetry_sim.fidelity.measures import Measure
from telemetry_sim.fidelity.prefix import prefix_curve
from telemetry_sim.laws import Floats

COVERED = (0.05, 0.95)
CURVE_WINDOWS_S = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0, 120.0, 300.0)
DISPERSION_BARS = {1.0: 0.3, 10.0: 0.3, 60.0: 0.4}
"""Bars of the issue."""
LEAST_WINDOWS = 10
LAGS = 6
LAG_S = 10.0
PREFIX_BAR, SHARE_BAR = 0.03, 0.15
"""Bars of the issue: of the hit share at each cache size, of the client rank-share."""
PREFIX_DRAWS = 5

Curve = tuple[tuple[float, float, float, float, float], ...]
Shares = tuple[tuple[int, float, float], ...]


def dispersion_measures(real: pl.DataFrame, synthetic: Sequence[pl.DataFrame]) -> tuple[Curve, list[Measure]]:
    """Dispersion index, autocorrelation and peak of the request rate; barred where the trace tells its own times."""
    times, made = times_of(real), [times_of(calls) for calls in synthetic]
    span_s = float(times.max() - times.min())
    curve, measures = [], []
    for window_s in CURVE_WINDOWS_S:
        if span_s < LEAST_WINDOWS * window_s:
            continue
        value, drawn = dispersion_index(times, window_s), [dispersion_index(one, window_s) for one in made]
        low, high = np.quantile(drawn, COVERED)
        curve.append((window_s, value, float(np.median(drawn)), float(low), float(high)))
        if window_s in DISPERSION_WINDOWS_S:
            bar = DISPERSION_BARS[window_s] if tells_times(real) else None
            measures.append(_figure(f"dispersion_index_{window_s:g}s", value, drawn, bar=bar))
    if span_s >= LEAST_WINDOWS * LAGS * LAG_S:
        real_lags = rate_autocorrelation(times, LAG_S, LAGS)
        made_lags = np.array([rate_autocorrelation(one, LAG_S, LAGS) for one in made])
        for lag in (1, 3, LAGS):
            name = f"rate_autocorrelation_{lag * LAG_S:g}s"
            measures.append(_figure(name, float(real_lags[lag - 1]), list(made_lags[:, lag - 1]), is_share=True))
        peaks = [peak_to_mean(one, LAG_S) for one in made]
        measures.append(_figure(f"peak_to_mean_{LAG_S:g}s", peak_to_mean(times, LAG_S), peaks))
    return tuple(curve), measures


def client_measures(real: pl.DataFrame, synthetic: Sequence[pl.DataFrame]) -> tuple[Shares, list[Measure]]:
    """Share of the requests that the busiest clients send; nothing where the trace tells no clients."""
    own = requests_per_client(real)
    if len(own) < 2:
        return (), []
    told = rank_shares(own)
    made = np.array([rank_shares(requests_per_client(calls)) for calls in synthetic])
    ranks = [(at, rank) for at, rank in enumerate(RANKS) if rank < len(own)]
    shares = tuple((rank, float(told[at]), float(np.median(made[:, at]))) for at, rank in ranks)
    measures = [
        _figure(f"client_share_top_{rank}", float(told[at]), list(made[:, at]), bar=SHARE_BAR) for at, rank in ranks
    ]
    return shares, measures


def prefix_measures(real: pl.DataFrame, synthetic: Sequence[pl.DataFrame]) -> Iterable[Measure]:
    """Hits of a prefix cache at each of its sizes; nothing where the trace tells no lineage.

    A bar is held against traces that tell when every call came; sessions that tell inner times only overlap by chance,
    and a small cache feels that.
    """
    if real["shared_prefix_tokens"].null_count() == real.height:
        return
    own = prefix_curve(real)
    bar = PREFIX_BAR if tells_times(real) else None
    made = [prefix_curve(calls) for calls in synthetic[:PREFIX_DRAWS]]
    for at, size in enumerate(own.cache_blocks):
        drawn = [curve.hit_ratios[at] for curve in made]
        yield _figure(f"prefix_hit_{size}_blocks", own.hit_ratios[at], drawn, bar=bar, is_share=True)
    drawn = [curve.infinite_hit_ratio for curve in made]
    yield _figure("prefix_hit_infinite", own.infinite_hit_ratio, drawn, bar=bar, is_share=True)


def tells_times(calls: pl.DataFrame) -> bool:
    """Whether a trace tells when each call came; one of sessions mostly tells only times within each."""
    return calls["session_id"].n_unique() == calls.height


def times_of(calls: pl.DataFrame) -> Floats:
    """Times of request, s from the first, sorted."""
    times = calls["requested_at"].sort().dt.epoch("us").to_numpy() / 1e6
    return np.asarray(times - times[0], dtype=np.float64)


def _figure(
    name: str, real: float, drawn: Sequence[float], *, bar: float | None = None, is_share: bool = False
) -> Measure:
    """A figure of the real trace beside the median of the synthetic ones; shares are compared by difference."""
    told = np.asarray(drawn)
    synthetic = float(np.nanmedian(told))
    low, high = np.nanquantile(told, COVERED)
    error = synthetic - real if is_share else (synthetic - real) / abs(real) if real else float("nan")
    return Measure(
        metric=name,
        value_real=real,
        value_synthetic=synthetic,
        relative_error=error,
        interval=(float(low), float(high)),
        bar=bar,
    )
