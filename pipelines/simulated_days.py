"""Lands simulated days in the lake as they are made: memory grows neither with the days nor with a day's calls."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from pipelines.tables import TABLES
from telemetry_sim import LatencyLaw, SimulationSettings, TelemetryPart, parts_of_day, parts_of_sessions
from telemetry_sim.engine.blocks import ONE_DAY
from warehouse.lake import Lake, WriteReceipt


@dataclass(slots=True)
class Shelf:
    """Parts of tables put aside on disk, given back in the order they came."""

    folder: Path
    paths: dict[tuple[str, date], list[Path]] = field(default_factory=dict)
    count: int = 0

    def put(self, table: str, day: date, part: pl.DataFrame) -> None:
        """Puts a part aside; nothing is kept of an empty one."""
        if part.is_empty():
            return
        path = self.folder / f"{self.count}.arrow"
        self.count += 1
        part.write_ipc(path, compression="lz4")
        self.paths.setdefault((table, day), []).append(path)

    def taken(self, table: str, day: date) -> Iterator[pl.DataFrame]:
        """The parts of a day, each deleted once it is read."""
        for path in self.paths.pop((table, day), []):
            yield pl.read_ipc(path)
            path.unlink()


def land_simulated_day(
    lake: Lake, settings: SimulationSettings, day: date, *, latency: LatencyLaw | None = None
) -> dict[str, WriteReceipt]:
    """Simulates one day and makes it the content of its day in the lake, one commit per table.

    The day before is played too, for the sessions that run past midnight.

    Args:
        lake: The data set.
        settings: What to simulate.
        day: The UTC day.
        latency: How long calls take; the incumbent's own laws by default.

    Returns:
        What was written, by table.
    """
    with TemporaryDirectory(dir=lake.home, prefix="simulated-") as folder:
        shelf = Shelf(Path(folder))
        return _replaced(lake, shelf, day, _calls_of(shelf, settings, day, latency))


def _calls_of(
    shelf: Shelf, settings: SimulationSettings, day: date, latency: LatencyLaw | None
) -> Iterator[pl.DataFrame]:
    """Calls of a day in order of sessions; its tools and sessions are put aside."""
    for part in parts_of_day(settings, day, latency=latency):
        _put_aside(shelf, part, "tool_calls", "sessions")
        if not part.model_calls.is_empty():
            yield part.model_calls


def land_simulated_days(
    lake: Lake, settings: SimulationSettings, day_count: int, *, latency: LatencyLaw | None = None
) -> Generator[tuple[date, dict[str, WriteReceipt]]]:
    """Simulates consecutive days and makes each the content of its day in the lake, each start day played once.

    One commit per table and day. Calls go to the lake as they are made; tools, sessions and what falls past midnight
    wait on disk, beside the lake.

    Args:
        lake: The data set.
        settings: What to simulate, from its first day on.
        day_count: Days.
        latency: How long calls take; the incumbent's own laws by default.

    Yields:
        Each day with what was written, by table.
    """
    with TemporaryDirectory(dir=lake.home, prefix="simulated-") as folder:
        shelf = Shelf(Path(folder))
        for part in _own_calls(shelf, settings, settings.first_day - ONE_DAY, latency):
            del part  # the day before is not landed: only what it leaves for the first day counts
        shelf.paths = {key: paths for key, paths in shelf.paths.items() if key[1] == settings.first_day}
        for number in range(day_count):
            yield _landed(lake, shelf, settings, settings.first_day + number * ONE_DAY, latency)


def _landed(
    lake: Lake, shelf: Shelf, settings: SimulationSettings, day: date, latency: LatencyLaw | None
) -> tuple[date, dict[str, WriteReceipt]]:
    def all_calls() -> Iterator[pl.DataFrame]:
        yield from shelf.taken("model_calls", day)
        yield from _own_calls(shelf, settings, day, latency)

    return day, _replaced(lake, shelf, day, all_calls())


def _replaced(lake: Lake, shelf: Shelf, day: date, calls: Iterator[pl.DataFrame]) -> dict[str, WriteReceipt]:
    """Lands calls while they are made, then what was put aside meanwhile."""
    sources = {"model_calls": calls, **{table: shelf.taken(table, day) for table in ("tool_calls", "sessions")}}
    return {
        table: lake.replace_stream(table, parts, schema=TABLES[table].schema, partition={"day": day})
        for table, parts in sources.items()
    }


def _own_calls(
    shelf: Shelf, settings: SimulationSettings, start_day: date, latency: LatencyLaw | None
) -> Iterator[pl.DataFrame]:
    """Calls that the sessions of a start day make on it; everything else of these sessions is put aside."""
    for own, later in parts_of_sessions(settings, start_day, latency=latency):
        _put_aside(shelf, later, "model_calls", "tool_calls")
        _put_aside(shelf, own, "tool_calls", "sessions")
        if not own.model_calls.is_empty():
            yield own.model_calls


def _put_aside(shelf: Shelf, part: TelemetryPart, *tables: str) -> None:
    for table in tables:
        shelf.put(table, part.day, getattr(part, table))
