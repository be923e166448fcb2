"""Plays the sessions that clients start on a day, block by block, several at a time, joined in a fixed order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import TypeVar

import numpy as np

from telemetry_sim.behaviour.agent_loop import draft_agents
from telemetry_sim.behaviour.api_burst import draft_requests
from telemetry_sim.behaviour.chat import draft_chats
from telemetry_sim.behaviour.draft import Draft, Opened
from telemetry_sim.behaviour.draws import session_keys
from telemetry_sim.behaviour.patience import draw_deadlines
from telemetry_sim.engine import frames
from telemetry_sim.engine.latency import IncumbentLatency, LatencyLaw, LatencyTable
from telemetry_sim.engine.measured import MeasuredTable
from telemetry_sim.engine.play import play
from telemetry_sim.parameters import AgentLoop, ApiBurst, Chat, SurfaceParameters
from telemetry_sim.population.arrivals import DayLoad, draw_starts
from telemetry_sim.population.clients import Clients, make_clients
from telemetry_sim.settings import SimulationSettings
from warehouse.contracts import Surface

ONE_DAY = timedelta(days=1)
BLOCK_CALLS = 100_000
"""Clients are played together until about this many calls are expected of them: bounds memory, changes no row."""
CLIENT_STREAMS_KEPT = 16

Made = TypeVar("Made")

make_clients_once = lru_cache(maxsize=CLIENT_STREAMS_KEPT)(make_clients)


@dataclass(frozen=True, slots=True, kw_only=True)
class SurfaceDay:
    """What all blocks of a surface share on a start day."""

    settings: SimulationSettings
    start_day: date
    parameters: SurfaceParameters
    clients: Clients
    sessions_per_day: float
    load: DayLoad
    table: LatencyTable | MeasuredTable

    @classmethod
    def of(
        cls, settings: SimulationSettings, surface: Surface, start_day: date, latency: LatencyLaw | None
    ) -> "SurfaceDay | None":
        """The surface on that day; None where nothing is expected of it."""
        parameters = settings.parameters_of(surface)
        usual = settings.sessions_of(surface)
        sessions_per_day = usual * settings.trend_ratio(surface, start_day)
        if sessions_per_day <= 0.0:
            return None
        volume = parameters.volume
        share = np.asarray(volume.region_share_ratio)
        loads = [DayLoad.of(volume, day, settings.crowds_of(surface, day)) for day in (start_day, start_day + ONE_DAY)]
        law = latency or IncumbentLatency(parameters={surface: parameters.latency})
        return cls(
            settings=settings,
            start_day=start_day,
            parameters=parameters,
            clients=make_clients_once(settings.seed, surface, volume, usual),
            sessions_per_day=sessions_per_day,
            load=loads[0],
            table=law.table(surface, np.concatenate([load.by_hour(share) for load in loads])),
        )

    def bounds(self, block_calls: int) -> list[tuple[int, int]]:
        """First and last (exclusive) client of each block."""
        calls = self.sessions_per_day * self.parameters.volume.mean_calls_per_session_count
        upto = np.cumsum(self.clients.rate_ratio) * calls
        edges = np.unique(np.searchsorted(upto, np.arange(block_calls, upto[-1], block_calls)) + 1)
        ends = [0, *(int(edge) for edge in edges if edge < len(upto)), len(upto)]
        return list(pairwise(ends))

    def played(self, low: int, high: int) -> frames.Batch:
        """Everything that clients low to high (exclusive) start on the day."""
        draft = self._draft(self._opened(low, high))
        deadlines = draw_deadlines(
            self.parameters.patience, draft.row_key, draft.is_watched, abandonment=self.settings.abandonment
        )
        return frames.Batch(
            surface=self.parameters.surface,
            start_day=self.start_day,
            seed=self.settings.seed,
            clients=self.clients,
            draft=draft,
            played=play(draft, self.table, self.parameters.cache, deadlines),
        )

    def _opened(self, low: int, high: int) -> Opened:
        starts = draw_starts(
            self.clients,
            np.arange(low, high),
            self.start_day,
            self.load,
            self.sessions_per_day,
            self.parameters.volume.arrivals,
        )
        keys = session_keys(
            self.settings.seed, self.parameters.surface, self.start_day.toordinal(), starts.client, starts.ordinal
        )
        return Opened(
            client=starts.client,
            ordinal=starts.ordinal,
            start_s=starts.start_s,
            key=keys,
            tier=self.clients.tier[starts.client],
        )

    def _draft(self, opened: Opened) -> Draft:
        scale_ratio = self.settings.context_ratio(self.parameters.surface, self.start_day)
        match self.parameters.behaviour:
            case AgentLoop() as loop:
                return draft_agents(self.parameters, loop, opened, self.clients, scale_ratio=scale_ratio)
            case Chat() as chat:
                return draft_chats(self.parameters, chat, opened, self.clients, scale_ratio=scale_ratio)
            case ApiBurst() as api:
                return draft_requests(
                    self.parameters,
                    api,
                    opened,
                    self.clients,
                    sessions_per_day=self.sessions_per_day,
                    scale_ratio=scale_ratio,
                )


def played_blocks(
    days: Iterable[SurfaceDay], make: Callable[[frames.Batch], Made], *, block_calls: int, workers: int
) -> Iterator[Made]:
    """What `make` makes of each block of some surfaces, in order of surfaces and clients, whoever finishes first."""
    blocks = ((day, low, high) for day in days for low, high in day.bounds(block_calls))
    if workers == 1:
        for day, low, high in blocks:
            yield make(day.played(low, high))
        return
    with ThreadPoolExecutor(workers) as pool:
        ahead: deque[Future[Made]] = deque()
        for day, low, high in blocks:
            ahead.append(pool.submit(lambda day, low, high: make(day.played(low, high)), day, low, high))
            if len(ahead) > workers:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
