"""Measures as text: the cells of a row and the verdict over all of them."""

from collections.abc import Sequence

from telemetry_sim.fidelity import Measure

COLUMNS = (
    ("metric", ""),
    ("KS", "largest difference of the distribution functions, 0 to 1"),
    ("W1", "Wasserstein distance of the logarithms"),
    ("floor", "the same distance between two halves of the real trace"),
    ("90 % interval", "of the KS distance under resampling of session families; of a figure over draws"),
    ("real", ""),
    ("synthetic", "median of the draws"),
    ("error", "relative; of shares and correlations the difference"),
    ("bar", "what KS or the error may be at most"),
    ("", ""),
)
"""Heads of the columns and what they mean."""


def cells_of(measure: Measure) -> tuple[str, ...]:
    """The row of a measure; empty where it has no such number."""
    interval = f"{_told(measure.interval[0])} to {_told(measure.interval[1])}" if measure.interval else ""
    kept = measure.is_within
    return (
        measure.metric,
        _told(measure.ks),
        _told(measure.wasserstein),
        _told(measure.noise_floor),
        interval,
        _told(measure.value_real),
        _told(measure.value_synthetic),
        _told(measure.relative_error),
        _told(measure.bar),
        "" if kept is None else "within" if kept else "outside",
    )


def verdict(measures: Sequence[Measure]) -> str:
    """How many of the measures with a bar keep it."""
    barred = [measure for measure in measures if measure.bar is not None]
    outside = [measure.metric for measure in barred if not measure.is_within]
    text = f"{len(barred) - len(outside)} of {len(barred)} measures keep their bar"
    return f"{text}; outside: {', '.join(outside)}" if outside else text


def _told(value: float | None) -> str:
    return "" if value is None or value != value else f"{value:.4g}"  # noqa: PLR0124 - nan is not itself
