"""Sessions opened one second after another, for tests of single behaviours."""

import numpy as np

from telemetry_sim.behaviour.draft import Opened
from telemetry_sim.behaviour.draws import session_keys
from telemetry_sim.parameters import SurfaceParameters, surface_parameters
from telemetry_sim.population.clients import Clients, make_clients
from warehouse.contracts import Surface


def opened(surface: Surface, count: int, *, clients: int = 16, gap_s: float = 1.0) -> tuple[Opened, Clients]:
    """So many sessions, in order of client, of the surface's first clients."""
    parameters = surface_parameters(surface)
    people = make_clients(5, surface, parameters.volume, 100.0)
    client = np.sort(np.arange(count) % clients)
    first = np.searchsorted(client, client)
    ordinal = np.arange(count) - first
    keys = session_keys(5, surface, 739_000, client, ordinal)
    start_s = np.asarray(3600.0 + gap_s * ordinal, dtype=np.float64)
    return Opened(client=client, ordinal=ordinal, start_s=start_s, key=keys, tier=people.tier[client]), people


def shipped(surface: Surface) -> SurfaceParameters:
    return surface_parameters(surface)
