"""Composes a day of telemetry from what clients start on it and what they started on the day before."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import dataframely as dy
import polars as pl

from telemetry_sim.engine import frames
from telemetry_sim.engine.blocks import BLOCK_CALLS, ONE_DAY, SurfaceDay, played_blocks
from telemetry_sim.engine.latency import LatencyLaw
from telemetry_sim.settings import SimulationSettings
from warehouse.contracts import ModelCalls, Sessions, ToolCalls

WORKERS = 2
"""Blocks played at a time; changes no row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TelemetryDay:
    """The frames of one UTC day: calls requested, tools started and sessions started on it."""

    model_calls: dy.DataFrame[ModelCalls]
    tool_calls: dy.DataFrame[ToolCalls]
    sessions: dy.DataFrame[Sessions]


@dataclass(frozen=True, slots=True, kw_only=True)
class TelemetryPart:
    """What some sessions do on one UTC day, in the contracts' columns, not validated; no session is in two parts."""

    day: date
    model_calls: pl.DataFrame
    tool_calls: pl.DataFrame
    sessions: pl.DataFrame


def simulate_day(
    settings: SimulationSettings,
    day: date,
    *,
    latency: LatencyLaw | None = None,
    block_calls: int = BLOCK_CALLS,
    workers: int = WORKERS,
) -> TelemetryDay:
    """Telemetry of one UTC day.

    Sessions last less than a day, so the day's calls belong to sessions that started on it or on the day before;
    both days are played, and what falls on this day is kept. Days can therefore be made alone and in any order, and
    the same settings give the same bytes whatever the block size and the number of workers.

    Args:
        settings: Seed, volume, mix and switches.
        day: The UTC day.
        latency: How long calls take; the incumbent's own law by default. A later generation passes a law made from
            its own measured tables.
        block_calls: Calls that are played together, about; bounds memory.
        workers: Threads.
    """
    return _joined_day(list(parts_of_day(settings, day, latency=latency, block_calls=block_calls, workers=workers)))


def simulate_days(
    settings: SimulationSettings,
    days: int,
    *,
    latency: LatencyLaw | None = None,
    block_calls: int = BLOCK_CALLS,
    workers: int = WORKERS,
) -> Iterator[tuple[date, TelemetryDay]]:
    """Telemetry of consecutive days from `settings.first_day`: the same as day by day, each start day played once."""
    carried: dict[str, list[TelemetryPart]] = {}
    for number in range(-1, days):
        start_day = settings.first_day + number * ONE_DAY
        today: list[TelemetryPart] = []
        spilled: dict[str, list[TelemetryPart]] = {}
        for surface in frames.PREFIXES:
            today += carried.get(surface, [])
            of_surface = SurfaceDay.of(settings, surface, start_day, latency)
            wanted = (start_day + ONE_DAY,) if number < 0 else (start_day, start_day + ONE_DAY)
            for parts in _parts([of_surface], wanted, block_calls=block_calls, workers=workers):
                spilled.setdefault(surface, []).append(parts[-1])
                today += parts[:-1]
        if number >= 0:
            yield start_day, _joined_day(today)
        carried = spilled


def parts_of_day(
    settings: SimulationSettings,
    day: date,
    *,
    latency: LatencyLaw | None = None,
    block_calls: int = BLOCK_CALLS,
    workers: int = WORKERS,
) -> Iterator[TelemetryPart]:
    """A UTC day in parts, sorted by session and step throughout; memory does not grow with the day's calls.

    Arguments as in `simulate_day`.
    """
    starts = [(surface, start_day) for surface in frames.PREFIXES for start_day in (day - ONE_DAY, day)]
    surfaces = (SurfaceDay.of(settings, surface, start_day, latency) for surface, start_day in starts)
    for parts in _parts(surfaces, (day,), block_calls=block_calls, workers=workers):
        yield from parts


def parts_of_sessions(
    settings: SimulationSettings,
    start_day: date,
    *,
    latency: LatencyLaw | None = None,
    block_calls: int = BLOCK_CALLS,
    workers: int = WORKERS,
) -> Iterator[tuple[TelemetryPart, TelemetryPart]]:
    """What the sessions that start on a day do on it and on the next one, in pairs of parts, each session once.

    Arguments as in `simulate_day`.
    """
    surfaces = (SurfaceDay.of(settings, surface, start_day, latency) for surface in frames.PREFIXES)
    parts = _parts(surfaces, (start_day, start_day + ONE_DAY), block_calls=block_calls, workers=workers)
    yield from ((first, second) for first, second in parts)


def _parts(
    surfaces: Iterable[SurfaceDay | None], days: Sequence[date], *, block_calls: int, workers: int
) -> Iterator[list[TelemetryPart]]:
    """Parts of each block by day; surfaces of which nothing is expected are None."""

    def parts(batch: frames.Batch) -> list[TelemetryPart]:
        return [_part(batch, day) for day in days]

    expected = (surface for surface in surfaces if surface is not None)
    yield from played_blocks(expected, parts, block_calls=block_calls, workers=workers)


def _part(batch: frames.Batch, day: date) -> TelemetryPart:
    offset = (day - batch.start_day).days
    return TelemetryPart(
        day=day,
        model_calls=frames.model_calls(batch, offset),
        tool_calls=frames.tool_calls(batch, offset),
        sessions=frames.sessions(batch) if offset == 0 else Sessions.create_empty(),
    )


def _joined_day(parts: Sequence[TelemetryPart]) -> TelemetryDay:
    return TelemetryDay(
        model_calls=ModelCalls.cast(_joined(ModelCalls, [part.model_calls for part in parts])),
        tool_calls=ToolCalls.cast(_joined(ToolCalls, [part.tool_calls for part in parts])),
        sessions=Sessions.cast(_joined(Sessions, [part.sessions for part in parts])),
    )


def _joined(contract: type[dy.Schema], parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Parts in one frame; empty where nobody was there."""
    filled = [part for part in parts if len(part)]
    return pl.concat(filled) if filled else pl.DataFrame(contract.create_empty())
