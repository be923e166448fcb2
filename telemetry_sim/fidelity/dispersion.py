"""How bursty a stream of requests is: dispersion index, autocorrelation and peak-to-mean of its rate."""

import numpy as np

from telemetry_sim.laws import Floats

DISPERSION_WINDOWS_S = (1.0, 10.0, 60.0)
"""Windows in which the issue asks for the dispersion index."""


def counts_per_window(times_s: Floats, window_s: float) -> Floats:
    """Requests in each window, from the first request's on; the last window may be cut short.

    Args:
        times_s: Times of the requests, s, in any order. Shape (requests,).
        window_s: Length of a window.
    """
    if len(times_s) == 0:
        return np.zeros(0)
    return np.bincount(((times_s - times_s.min()) // window_s).astype(np.int64)).astype(np.float64)


def dispersion_index(times_s: Floats, window_s: float) -> float:
    """Variance over mean of the requests per window: 1 for Poisson arrivals at any window; nan under two windows."""
    counts = counts_per_window(times_s, window_s)
    return float(counts.var() / counts.mean()) if len(counts) > 1 else float("nan")


def rate_autocorrelation(times_s: Floats, window_s: float, lag_count: int) -> Floats:
    """Autocorrelation of the requests per window at lags 1 to `lag_count` windows; nan where the span is too short."""
    counts = counts_per_window(times_s, window_s)
    centred = counts - counts.mean() if len(counts) else counts
    power = float((centred**2).mean()) if len(counts) else 0.0
    found = np.full(lag_count, np.nan)
    for lag in range(1, min(lag_count, len(counts) - 2) + 1):
        if power > 0:
            found[lag - 1] = float((centred[lag:] * centred[:-lag]).sum()) / (len(counts) * power)
    return found


def peak_to_mean(times_s: Floats, window_s: float) -> float:
    """Requests of the busiest window over those of a mean one."""
    counts = counts_per_window(times_s, window_s)
    return float(counts.max() / counts.mean()) if len(counts) else float("nan")
