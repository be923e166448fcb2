"""Bursty arrivals of tenants: renewal gaps (Gamma or Weibull) in a time that runs at a rate that jumps by window."""

import math
from datetime import date

import numpy as np
from numba import njit

from telemetry_sim.arrivals import DAY_S, Starts
from telemetry_sim.clients import STARTS, Clients
from telemetry_sim.gaps import GAMMA, WEIBULL
from telemetry_sim.laws import Floats, Ints
from telemetry_sim.parameters import ApiBurst
from telemetry_sim.renewals import arrivals_at_rates
from telemetry_sim.streams import Keys, child_key, child_keys, uniforms, unit_draw

LAW_DRAW = 0
"""Draw of a client's stream of starts that decides its gap law; days hang far above it."""
WINDOW_STREAM = 1
LOOK_BACK_WINDOWS = 64
"""The memory of a tenant's rate starts this many windows before the day: 0.86 to the power 64 is 6e-5."""


def draw_bursts(
    clients: Clients, members: Ints, day: date, load: Floats, sessions_per_day: float, api: ApiBurst
) -> Starts:
    """Requests of some tenants on a day, by tenant and time.

    Each tenant has a rate by window: the region's hour, a log-normal factor that remembers itself from window to
    window, and silence in inactive windows (a Markov-modulated rate), scaled to the tenant's volume of the day.
    Arrivals are a stationary renewal process in operational time, mapped back through the cumulated rate.

    Args:
        clients: All clients of the surface.
        members: Numbers of the clients to draw; the others change nothing.
        day: UTC day.
        load: Relative load by equal parts of the day, shape (regions, parts).
        sessions_per_day: Expected requests of a working day over all clients.
        api: Parameters of the surface.
    """
    region = clients.region[members]
    expected = sessions_per_day * clients.rate_ratio[members] * load.mean(axis=1)[region]
    stream = child_keys(clients.key[members], STARTS)
    is_gamma = uniforms(stream, LAW_DRAW) < api.gamma_ratio
    windows = math.ceil(DAY_S / api.window_s)
    factor = _modulation(
        child_keys(stream, WINDOW_STREAM),
        day.toordinal() * windows,
        windows,
        api.window_sigma_ratio,
        api.window_memory_ratio,
        api.active_ratio,
        api.active_memory_ratio,
    )
    part = np.minimum(np.arange(windows) * load.shape[1] // windows, load.shape[1] - 1)
    place, start_s, ordinal = arrivals_at_rates(
        child_keys(stream, day.toordinal()),
        np.where(is_gamma, GAMMA, WEIBULL),
        np.where(is_gamma, api.gamma_shape_ratio, api.weibull_shape_ratio),
        expected,
        load[region][:, part] * factor,
        np.arange(len(members)),
    )
    return Starts(client=members[place], start_s=start_s, ordinal=ordinal)


@njit(cache=True, nogil=True)
def _modulation(
    keys: Keys,
    first_window: int,
    windows: int,
    sigma: float,
    memory: float,
    active_ratio: float,
    active_memory: float,
) -> Floats:
    """Factor on the rate, shape (tenants, windows): autoregressive log factor, times active or not.

    Draws are named by the window's number since the calendar began, so the memory crosses midnight.
    """
    factor = np.empty((len(keys), windows))
    fresh = math.sqrt(1.0 - memory * memory)
    for tenant in range(len(keys)):
        level, active, ever = 0.0, False, False
        for window in range(-LOOK_BACK_WINDOWS, windows):
            key = child_key(keys[tenant], np.uint64(first_window + window))
            radius = math.sqrt(-2.0 * math.log(unit_draw(key, np.uint64(0))))
            normal = radius * math.cos(2.0 * math.pi * unit_draw(key, np.uint64(1)))
            first = window == -LOOK_BACK_WINDOWS
            level = normal if first else memory * level + fresh * normal
            if first or unit_draw(key, np.uint64(2)) >= active_memory:
                active = unit_draw(key, np.uint64(3)) < active_ratio
            if window >= 0:
                factor[tenant, window] = math.exp(sigma * level) if active else 0.0
                ever = ever or active
        if not ever:
            factor[tenant] = 1.0
    return factor
