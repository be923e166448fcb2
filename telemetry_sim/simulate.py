"""Composes a day of telemetry: clients, arrivals, behaviour, the incumbent's service, frames."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import dataframely as dy
import numpy as np
import polars as pl

from telemetry_sim import frames
from telemetry_sim.agent_loop import draft_agents
from telemetry_sim.api_burst import draft_requests, tenant_traits
from telemetry_sim.arrivals import DayLoad, draw_starts
from telemetry_sim.chat import draft_chats
from telemetry_sim.clients import Clients, make_clients, surface_number
from telemetry_sim.latency import IncumbentLatency, LatencyLaw
from telemetry_sim.parameters import AgentLoop, ApiBurst, Chat, SurfaceParameters
from telemetry_sim.patience import draw_deadlines
from telemetry_sim.play import play
from telemetry_sim.settings import SimulationSettings
from warehouse.contracts import ModelCalls, Sessions, Surface, ToolCalls

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class TelemetryDay:
    """The frames of one UTC day: calls requested, tools started and sessions started on it."""

    model_calls: dy.DataFrame[ModelCalls]
    tool_calls: dy.DataFrame[ToolCalls]
    sessions: dy.DataFrame[Sessions]


def simulate_day(settings: SimulationSettings, day: date, *, latency: LatencyLaw | None = None) -> TelemetryDay:
    """Telemetry of one UTC day.

    Sessions last less than a day, so the day's calls belong to sessions that started on it or on the day before;
    both days are played, and what falls on this day is kept. Days can therefore be made alone and in any order.

    Args:
        settings: Seed, volume, mix and switches.
        day: The UTC day.
        latency: How long calls take; the incumbent's own law by default. A later generation passes a law made from
            its own measured tables.
    """
    before = _batches(settings, day - ONE_DAY, latency)
    return _collect(day, before, _batches(settings, day, latency))


def simulate_days(
    settings: SimulationSettings, days: int, *, latency: LatencyLaw | None = None
) -> Iterator[tuple[date, TelemetryDay]]:
    """Telemetry of consecutive days from `settings.first_day`: the same as day by day, each start day played once."""
    carried: list[frames.Batch] = list(_batches(settings, settings.first_day - ONE_DAY, latency))
    for number in range(days):
        day = settings.first_day + number * ONE_DAY
        started = list(_batches(settings, day, latency))
        yield day, _collect(day, carried, started)
        carried = started


def _collect(day: date, before: Iterable[frames.Batch], started: Iterable[frames.Batch]) -> TelemetryDay:
    calls, tools, sessions = [], [], []
    for batch in before:
        calls.append(frames.model_calls(batch, day))
        tools.append(frames.tool_calls(batch, day))
    for batch in started:
        calls.append(frames.model_calls(batch, day))
        tools.append(frames.tool_calls(batch, day))
        sessions.append(frames.sessions(batch))
    return TelemetryDay(
        model_calls=ModelCalls.cast(_joined(ModelCalls, calls)),
        tool_calls=ToolCalls.cast(_joined(ToolCalls, tools)),
        sessions=Sessions.cast(_joined(Sessions, sessions)),
    )


def _joined(contract: type[dy.Schema], parts: list[pl.DataFrame]) -> pl.DataFrame:
    """The batches of a day in one frame, columns in the contract's order; empty where nobody was there."""
    filled = [part.select(contract.column_names()) for part in parts if len(part)]
    return pl.concat(filled) if filled else pl.DataFrame(contract.create_empty())


def _batches(settings: SimulationSettings, start_day: date, latency: LatencyLaw | None) -> Iterator[frames.Batch]:
    """Everything that clients start on a day, by surface and block of clients."""
    given = {surface: parameters.latency for surface, parameters in settings.surfaces.items()}
    law = latency or IncumbentLatency(parameters=given)
    for surface in Surface:
        parameters = settings.parameters_of(surface)
        usual = settings.sessions_of(surface)
        sessions_per_day = usual * settings.trend_ratio(surface, start_day)
        if sessions_per_day <= 0.0:
            continue
        clients = make_clients(settings.seed, surface, parameters.volume, usual)
        for block in range(clients.block_count):
            yield _play_block(settings, start_day, law, parameters, clients, block, sessions_per_day)


def _play_block(
    settings: SimulationSettings,
    start_day: date,
    latency: LatencyLaw,
    parameters: SurfaceParameters,
    clients: Clients,
    block: int,
    sessions_per_day: float,
) -> frames.Batch:
    surface, volume = parameters.surface, parameters.volume
    entropy = (settings.seed, surface_number(surface), start_day.toordinal(), block)
    rng = np.random.default_rng(np.random.SeedSequence(entropy))
    scale_ratio = settings.context_ratio(surface, start_day)
    loads = [DayLoad.of(volume, day, settings.crowds_of(surface, day)) for day in (start_day, start_day + ONE_DAY)]
    starts = draw_starts(clients, clients.of_block(block), start_day, loads[0], sessions_per_day, volume.arrivals)
    match parameters.behaviour:
        case AgentLoop() as loop:
            draft = draft_agents(rng, parameters, loop, starts, scale_ratio=scale_ratio)
        case Chat() as chat:
            draft = draft_chats(rng, parameters, chat, starts, scale_ratio=scale_ratio)
        case ApiBurst() as api:
            draft = draft_requests(
                rng,
                parameters,
                api,
                starts,
                clients,
                tenant_traits(api, clients),
                sessions_per_day=sessions_per_day,
                scale_ratio=scale_ratio,
            )
    deadlines = draw_deadlines(rng, parameters.patience, draft.is_watched, abandonment=settings.abandonment)
    table = latency.table(
        surface, np.concatenate([load.by_hour(np.asarray(volume.region_share_ratio)) for load in loads])
    )
    played = play(rng, draft, table, parameters.cache, deadlines, clients.tier[draft.client])
    return frames.Batch(
        surface=surface,
        start_day=start_day,
        block=block,
        seed=settings.seed,
        clients=clients,
        draft=draft,
        played=played,
    )
