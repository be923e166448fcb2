"""The one partition definition of the graph: UTC days."""

from datetime import date

import dagster as dg

from pipelines.errors import BadInput

FIRST_DAY = date(2023, 1, 1)
"""The oldest public serving trace is of 2023."""
DAYS_AHEAD = 366
"""Simulated days may lie in the future of a machine whose clock is behind."""

daily = dg.DailyPartitionsDefinition(start_date=FIRST_DAY.isoformat(), timezone="UTC", end_offset=DAYS_AHEAD)


def day_of(partition_key: str) -> date:
    """The day that a partition key names."""
    return date.fromisoformat(partition_key)


def refuse_days_outside(days: list[date]) -> None:
    """Refuses days that the graph has no partition for.

    Raises:
        BadInput: With the days and the range that can be used.
    """
    last = date.fromisoformat(str(daily.get_last_partition_key()))
    outside = [day for day in days if not FIRST_DAY <= day <= last]
    if outside:
        raise BadInput(
            f"{len(outside)} days from {min(outside)} to {max(outside)} lie outside {FIRST_DAY} to {last}; "
            "check the unit and the year of the times, or cut these rows off"
        )
