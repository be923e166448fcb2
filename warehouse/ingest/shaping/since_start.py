"""Times that count seconds from the start of a trace: rules for a row, and refusal of a file in another unit."""

import polars as pl

from warehouse.ingest.errors import UnreadableTrace
from warehouse.ingest.reading.source import Source
from warehouse.ingest.shaping.checks import Check

__all__ = ["microseconds", "refuse_other_unit", "since_start_checks"]

EARLIEST_EPOCH = 1e9
"""Unix seconds of 2001: a trace that counts from its start does not begin there."""
EPOCH_LIMITS = ((1e11, "seconds"), (1e14, "milliseconds"), (1e17, "microseconds"), (float("inf"), "nanoseconds"))
FEWEST_ROWS_TO_JUDGE = 20
DAY_S = 86_400.0


def since_start_checks(column: str, longest_s: float) -> list[Check]:
    """Rules of one time in seconds from the start."""
    stamp = pl.col(column)
    shown = stamp.cast(pl.String)
    return [
        Check(
            rule="timestamp_is_number",
            holds=stamp.is_finite(),
            reason=pl.lit(f"{column} is missing or not a number of seconds"),
        ),
        Check(
            rule="timestamp_is_plausible",
            holds=stamp.is_between(0, longest_s),
            reason=pl.format(
                "{} {} s lies outside 0 to {} days", pl.lit(column), shown, pl.lit(round(longest_s / DAY_S))
            ),
        ),
    ]


def microseconds(column: str) -> pl.Expr:
    """The column of seconds as a duration."""
    return pl.duration(microseconds=(pl.col(column) * 1e6).round().cast(pl.Int64))


def refuse_other_unit(stamps: pl.Series, source: Source, longest_s: float) -> None:
    """Refuses a file whose times as a whole cannot be seconds from its start; outliers are left to the rows.

    Judged by the middle 90 % of the times.

    Raises:
        UnreadableTrace: with the guessed unit.
    """
    known = stamps.drop_nulls()
    known = known.filter(known.is_finite())
    if known.is_empty():
        return
    low, high = float(known.quantile(0.05) or 0), float(known.quantile(0.95) or 0)
    where = f"{source.path}: {stamps.name} runs from {low:.10g} to {high:.10g}, where this format counts seconds from "
    fix = "convert it to seconds from the first call"
    if low >= EARLIEST_EPOCH and high - low < low:
        unit = next(name for limit, name in EPOCH_LIMITS if low < limit)
        raise UnreadableTrace(f"{where}its start: these look like Unix {unit}; {fix}")
    if len(known) >= FEWEST_ROWS_TO_JUDGE and high - low > longest_s:
        days, unit = (high - low) / DAY_S, "milliseconds" if high - low < longest_s * 1e3 else "microseconds"
        raise UnreadableTrace(f"{where}its start: that would be {days:,.0f} days; it looks like {unit}: {fix}")
