"""The suite `telemetry`: how fast days are generated and landed, against landing alone, and in what memory."""

import resource
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from pipelines.bench.rows import BenchRow, Spent, spent
from pipelines.simulated_days import land_simulated_days
from pipelines.tables import TABLES
from telemetry_sim import SimulationSettings, TelemetryDay, TelemetryPart, parts_of_sessions, simulate_day
from warehouse.lake import Lake

SETTINGS = SimulationSettings(calls_per_day=1_000_000)
WARM_UP_CALLS = 5_000
FULL_SETTINGS = SimulationSettings(calls_per_day=2_700_000)
FULL_CALLS_COUNT = 50_000_000
BAR_CALLS_PER_S = 1e6
BAR_RESIDENT_GB = 3.0
KB_PER_GB = 1e6
"""Linux tells the peak of a process in kB."""


def telemetry(*, full: bool = False) -> list[BenchRow]:
    """Calls generated per second, and landed against writing the same frames; with `full`, 50 M calls landed."""
    return [*_generated(), *_landed(), *(_full() if full else [])]


def _generated() -> list[BenchRow]:
    """Frames of all three tables, in memory one part at a time."""
    list(_parts(replace(SETTINGS, calls_per_day=WARM_UP_CALLS), workers=2))
    rows = []
    for workers in (1, 2):
        took, calls = spent(partial(_count, SETTINGS, workers))
        case = f"generated, {workers} thread{'s' if workers > 1 else ''}"
        rows.append(_row(case, calls / took.wall_s, "calls/s", "bar on 2 cores", BAR_CALLS_PER_S))
        rows.append(_row(case, calls / took.cpu_s, "calls/CPU-s", "-", None))
    return rows


def _parts(settings: SimulationSettings, workers: int) -> Iterator[TelemetryPart]:
    for own, later in parts_of_sessions(settings, settings.first_day, workers=workers):
        yield own
        yield later


def _count(settings: SimulationSettings, workers: int) -> int:
    return sum(part.model_calls.height for part in _parts(settings, workers))


def _landed() -> list[BenchRow]:
    """Generated and landed, against the same day's frames landed from memory: 2.5 times the time is the bar."""
    day = simulate_day(SETTINGS, SETTINGS.first_day)
    calls = day.model_calls.height
    with TemporaryDirectory() as folder:
        writing, _ = spent(partial(_write, Path(folder) / "write", day))
        making, landed = spent(partial(_land, Path(folder) / "make", SETTINGS, 1))
    case = "generated and landed"
    times = making.wall_s / landed / (writing.wall_s / calls)
    cpu_times = making.cpu_s / landed / (writing.cpu_s / calls)
    return [
        _row(case, landed / making.wall_s, "calls/s", "the same frames landed", calls / writing.wall_s),
        _row(f"{case}, wall", times, "x of landing alone", "bar", 2.5),
        _row(f"{case}, CPU", cpu_times, "x of landing alone", "bar", 2.5),
    ]


def _write(home: Path, day: TelemetryDay) -> None:
    lake = Lake.open(home)
    for table in ("model_calls", "tool_calls", "sessions"):
        lake.replace(table, getattr(day, table), schema=TABLES[table].schema, partition={"day": SETTINGS.first_day})
    lake.close()


def _land(home: Path, settings: SimulationSettings, day_count: int) -> int:
    lake = Lake.open(home)
    landed = sum(receipts["model_calls"].row_count for _, receipts in land_simulated_days(lake, settings, day_count))
    lake.close()
    return landed


def _full() -> list[BenchRow]:
    """50 M calls in a process of its own, whose peak of resident memory is then that of this work alone."""
    days = -(-FULL_CALLS_COUNT * 7 // (FULL_SETTINGS.calls_per_day * 6))
    with TemporaryDirectory() as folder, ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        took, landed, peak_gb = process.submit(_land_and_tell, Path(folder) / "full", days).result()
    case = f"{landed:,} calls landed"
    return [
        _row(case, landed / took.wall_s, "calls/s", "-", None),
        _row(case, landed / took.cpu_s, "calls/CPU-s", "-", None),
        _row(case, peak_gb, "GB resident at most", "bar", BAR_RESIDENT_GB),
    ]


def _land_and_tell(home: Path, days: int) -> tuple[Spent, int, float]:
    took, landed = spent(partial(_land, home, FULL_SETTINGS, days))
    return took, landed, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KB_PER_GB


def _row(case: str, value: float, unit: str, against: str, against_value: float | None) -> BenchRow:
    return BenchRow(suite="telemetry", case=case, value=value, unit=unit, against=against, against_value=against_value)
