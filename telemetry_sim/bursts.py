"""Bursty arrivals of tenants: renewal gaps (Gamma or Weibull) in a time that runs at a rate that jumps by window."""

import math

import numpy as np

from telemetry_sim.arrivals import DAY_S, HOUR_S, Starts
from telemetry_sim.clients import Clients
from telemetry_sim.laws import Bools, Floats, Ints
from telemetry_sim.parameters import ApiBurst

SPARE_SIGMAS = 6.0
"""Gaps are drawn for this many standard deviations more arrivals than expected; too few has no chance worth naming."""


def draw_bursts(
    rng: np.random.Generator, api: ApiBurst, clients: Clients, members: Ints, load: Floats, sessions_per_day: float
) -> Starts:
    """Requests of a block of tenants on a day, by tenant and time.

    Each tenant has a rate by window: the region's hour, a log-normal factor that remembers itself from window to
    window, and silence in inactive windows (a Markov-modulated rate), scaled to the tenant's volume of the day.
    Arrivals are a stationary renewal process in operational time, mapped back through the cumulated rate.

    Args:
        rng: Random numbers of this block and day.
        api: Parameters of the surface.
        clients: All clients of the surface.
        members: Client numbers of this block.
        load: Relative load, shape (regions, 24).
        sessions_per_day: Expected requests of a working day over all clients.
    """
    region = clients.region[members]
    expected = sessions_per_day * clients.rate_ratio[members] * load.mean(axis=1)[region]
    windows = round(DAY_S / api.window_s)
    hour = np.minimum((np.arange(windows) * api.window_s / HOUR_S).astype(np.int64), load.shape[1] - 1)
    intensity = load[region][:, hour] * _modulation(rng, api, len(members), windows)
    intensity *= (expected / intensity.sum(axis=1))[:, None]
    is_gamma = (members * 0x9E3779B1 % 2**32) / 2**32 < api.gamma_ratio
    owner, operational = _renewals(rng, api, is_gamma, expected)
    return Starts(client=members[owner], start_s=_at_rate(intensity, owner, operational, api.window_s))


def _modulation(rng: np.random.Generator, api: ApiBurst, tenants: int, windows: int) -> Floats:
    """Factor on the rate, shape (tenants, windows): autoregressive log factor, times active or not."""
    level = np.empty((tenants, windows))
    active = np.empty((tenants, windows), dtype=np.bool_)
    level[:, 0] = rng.standard_normal(tenants)
    active[:, 0] = rng.random(tenants) < api.active_ratio
    fresh = np.sqrt(1.0 - api.window_memory_ratio**2)
    for window in range(1, windows):
        level[:, window] = api.window_memory_ratio * level[:, window - 1] + fresh * rng.standard_normal(tenants)
        renewed = rng.random(tenants) < api.active_ratio
        stays = rng.random(tenants) < api.active_memory_ratio
        active[:, window] = np.where(stays, active[:, window - 1], renewed)
    never = ~active.any(axis=1)
    active[never] = True
    return np.exp(api.window_sigma_ratio * level) * active


def _renewals(rng: np.random.Generator, api: ApiBurst, is_gamma: Bools, expected: Floats) -> tuple[Ints, Floats]:
    """Owners and times of stationary renewals of mean gap 1 on [0, expected) for each tenant, in order."""
    spread = np.sqrt(np.maximum(expected, 1.0) / min(api.gamma_shape_ratio, api.weibull_shape_ratio**2, 1.0))
    drawn = np.ceil(expected + SPARE_SIGMAS * spread + SPARE_SIGMAS).astype(np.int64)
    owner = np.repeat(np.arange(len(expected)), drawn)
    gamma = is_gamma[owner]
    shape, power = api.gamma_shape_ratio, api.weibull_shape_ratio
    weibull_mean = _weibull_mean(power)
    gap = np.empty(len(owner))
    gap[gamma] = rng.gamma(shape, 1.0 / shape, int(gamma.sum()))
    gap[~gamma] = rng.weibull(power, int((~gamma).sum())) / weibull_mean
    first = np.concatenate([np.zeros(1, np.int64), np.cumsum(drawn)[:-1]])
    long_gamma = rng.gamma(shape + 1.0, 1.0 / shape, len(first))
    long_weibull = rng.gamma(1.0 + 1.0 / power, 1.0, len(first)) ** (1.0 / power) / weibull_mean
    gap[first] = rng.random(len(first)) * np.where(is_gamma, long_gamma, long_weibull)
    total = np.cumsum(gap)
    before = np.where(first > 0, total[first - 1], 0.0)
    elapsed = total - before[owner]
    inside = elapsed < expected[owner]
    return owner[inside], elapsed[inside]


def _weibull_mean(power: float) -> float:
    """Mean of the unit-scale Weibull law: Gamma(1 + 1/power)."""
    return math.gamma(1.0 + 1.0 / power)


def _at_rate(intensity: Floats, owner: Ints, operational: Floats, window_s: float) -> Floats:
    """Clock time of operational times: inverse of each tenant's cumulated rate."""
    windows = intensity.shape[1]
    total = intensity.sum(axis=1)
    offset = np.concatenate([np.zeros(1), np.cumsum(total)[:-1]])
    ends = (np.cumsum(intensity, axis=1) + offset[:, None]).ravel()
    target = operational + offset[owner]
    place = np.clip(np.searchsorted(ends, target, side="right"), owner * windows, owner * windows + windows - 1)
    rate = intensity.ravel()[place]
    left = np.divide(ends[place] - target, rate, out=np.zeros_like(target), where=rate > 0.0)
    return np.clip((place - owner * windows + 1 - np.clip(left, 0.0, 1.0)) * window_s, 0.0, np.nextafter(DAY_S, 0.0))
