"""Whether the times of a mooncake trace can be milliseconds from its start, and which unit they look like if not."""

import polars as pl

from warehouse.ingest.errors import UnreadableTrace
from warehouse.ingest.reading.source import Source

__all__ = ["LONGEST_SPAN_MS", "refuse_unit"]

LONGEST_SPAN_MS = 60 * 86_400_000
"""Assumed: a trace file spans at most 60 days; the public ones span an hour."""
HIGHEST_RATE_PER_S = 500.0
"""Assumed: one file holds at most 500 calls a second on average; the public ones hold 3 to 7."""
FEWEST_ROWS_TO_JUDGE = 20
EARLIEST_EPOCH = 1e9
"""Unix seconds of 2001: a trace that counts from its start does not begin there."""
EPOCH_LIMITS = ((1e11, "seconds"), (1e14, "milliseconds"), (1e17, "microseconds"), (float("inf"), "nanoseconds"))


def refuse_unit(cells: pl.DataFrame, source: Source) -> None:
    """Refuses a file whose times as a whole cannot be milliseconds from the start; outliers are left to the rows.

    Judged by the middle 90 % of the times, the span that they cover and the mean rate in it.

    Raises:
        UnreadableTrace: with the guessed unit.
    """
    stamps = cells["timestamp"].drop_nulls()
    stamps = stamps.filter(stamps.is_finite())
    if stamps.is_empty():
        return
    low, high = float(stamps.quantile(0.05) or 0), float(stamps.quantile(0.95) or 0)
    where = f"{source.path}: timestamp runs from {low:.10g} to {high:.10g}, where a mooncake trace counts milliseconds"
    fix = "convert it to milliseconds from the first call"
    if low >= EARLIEST_EPOCH and high - low < low:
        unit = next(name for limit, name in EPOCH_LIMITS if low < limit)
        raise UnreadableTrace(f"{where} from its start: these look like Unix {unit}; {fix}")
    if len(stamps) < FEWEST_ROWS_TO_JUDGE or high == low:
        return
    span_ms = high - low
    rate_per_s = 0.9 * len(stamps) / (span_ms / 1000)
    if span_ms > LONGEST_SPAN_MS:
        unit = "nanoseconds" if rate_per_s * 1e6 <= HIGHEST_RATE_PER_S else "microseconds"
        days = span_ms / 86_400_000
        raise UnreadableTrace(f"{where}: that would be {days:,.0f} days; it looks like {unit}: {fix}")
    if rate_per_s > HIGHEST_RATE_PER_S:
        raise UnreadableTrace(
            f"{where}: that would be {rate_per_s:,.0f} calls a second (limit {HIGHEST_RATE_PER_S:.0f}); "
            f"it looks like seconds: {fix}"
        )
