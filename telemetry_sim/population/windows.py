"""The rate of a client by window: a level that remembers itself from window to window, and silence."""

import math
from datetime import date

import numpy as np
from numba import njit

from telemetry_sim.laws import Floats
from telemetry_sim.parameters import Windows
from telemetry_sim.streams import Keys, child_key, unit_draw

DAY_S = 86_400.0
LOOK_BACK_WINDOWS = 64
"""The memory of a rate starts this many windows before the day: 0.86 to the power 64 is 6e-5."""


def window_factors(windows: Windows, keys: Keys, day: date) -> Floats:
    """Factor on each client's rate by window of a day, shape (clients, windows).

    The log factor is a Gaussian autoregression; whether a window is active is a two-state Markov chain. Draws are
    named by the window's number since the calendar began, so the memory crosses midnight and any day stands alone.
    A client that is silent all day keeps a level rate instead: its volume of the day is given.

    Args:
        windows: Parameters of the surface.
        keys: Stream of each client's windows.
        day: UTC day.
    """
    count = max(1, math.ceil(DAY_S / windows.window_s))
    return _factors(
        keys,
        day.toordinal() * count,
        count,
        windows.sigma_ratio,
        windows.memory_ratio,
        windows.active_ratio,
        windows.active_memory_ratio,
    )


@njit(cache=True, nogil=True)
def _factors(
    keys: Keys,
    first_window: int,
    windows: int,
    sigma: float,
    memory: float,
    active_ratio: float,
    active_memory: float,
) -> Floats:
    factor = np.empty((len(keys), windows))
    fresh = math.sqrt(1.0 - memory * memory)
    for client in range(len(keys)):
        level, active, ever = 0.0, False, False
        for window in range(-LOOK_BACK_WINDOWS, windows):
            key = child_key(keys[client], np.uint64(first_window + window))
            radius = math.sqrt(-2.0 * math.log(unit_draw(key, np.uint64(0))))
            normal = radius * math.cos(2.0 * math.pi * unit_draw(key, np.uint64(1)))
            first = window == -LOOK_BACK_WINDOWS
            level = normal if first else memory * level + fresh * normal
            if first or unit_draw(key, np.uint64(2)) >= active_memory:
                active = unit_draw(key, np.uint64(3)) < active_ratio
            if window >= 0:
                factor[client, window] = math.exp(sigma * level) if active else 0.0
                ever = ever or active
        if not ever:
            factor[client] = 1.0
    return factor
