"""Arrivals of clients under a Markov-modulated Poisson process, exact in continuous time, over the day's load."""

import math

import numpy as np
from numba import njit

from telemetry_sim.laws import Floats, Ints
from telemetry_sim.parameters import Mmpp
from telemetry_sim.streams import Keys, child_key, unit_draw

DAY_S = 86_400.0
ARRIVAL_DRAW, STAY_DRAW, STATE_DRAW = np.uint64(0), np.uint64(1), np.uint64(2)


def mmpp_arrivals(
    law: Mmpp, keys: Keys, expected: Floats, rate_ratio: Floats, profile: Ints
) -> tuple[Ints, Floats, Ints]:
    """Arrivals of a day, by client and time.

    A client's rate at an instant is its mean rate x the load of the part of the day x the rate of its state; the
    next state is any other one alike, so that a state's share of the time is its mean stay over the sum of stays.

    Args:
        law: States of the process.
        keys: Stream of each client on this day.
        expected: Expected arrivals of each client.
        rate_ratio: Relative rate by equal parts of the day, shape (profiles, parts).
        profile: Row of `rate_ratio` that each client follows.

    Returns:
        Place of the client, clock time in seconds since midnight, and number among the client's arrivals.
    """
    dwell_s = np.asarray(law.state_dwell_s)
    present = dwell_s / dwell_s.sum()
    state_rate = np.asarray(law.state_rate_ratio) / (present @ np.asarray(law.state_rate_ratio))
    mean = rate_ratio.mean(axis=1, keepdims=True)
    level = rate_ratio / np.where(mean > 0.0, mean, 1.0)
    spare = 64 + int(1.5 * expected.sum())
    return _arrivals(keys, expected, level, profile, state_rate, dwell_s, np.cumsum(present), spare)


@njit(cache=True, nogil=True)
def _arrivals(
    keys: Keys,
    expected: Floats,
    level: Floats,
    profile: Ints,
    state_rate: Floats,
    dwell_s: Floats,
    ladder: Floats,
    spare: int,
) -> tuple[Ints, Floats, Ints]:
    """Walks each client over the parts of the day and the changes of its state, whichever comes first."""
    place, start_s, ordinal = np.empty(spare, np.int64), np.empty(spare), np.empty(spare, np.int64)
    filled, states, parts = 0, len(dwell_s), level.shape[1]
    part_s = DAY_S / parts
    for client in range(len(keys)):
        mean_per_s = expected[client] / DAY_S
        changes, number, now_s = np.uint64(0), 0, 0.0
        path = child_key(keys[client], STATE_DRAW)
        state = min(int(np.searchsorted(ladder, unit_draw(path, changes), side="right")), states - 1)
        stays = child_key(keys[client], STAY_DRAW)
        change_s = -math.log(unit_draw(stays, changes)) * dwell_s[state]
        arrivals = child_key(keys[client], ARRIVAL_DRAW)
        left = -math.log(unit_draw(arrivals, np.uint64(0)))
        for part in range(parts):
            end_s = (part + 1) * part_s
            while now_s < end_s:
                rate_per_s = mean_per_s * level[profile[client], part] * state_rate[state]
                until_s = min(end_s, change_s)
                if rate_per_s * (until_s - now_s) > left:
                    now_s += left / rate_per_s
                    if filled == len(place):
                        place = np.concatenate((place, np.empty_like(place)))
                        start_s = np.concatenate((start_s, np.empty_like(start_s)))
                        ordinal = np.concatenate((ordinal, np.empty_like(ordinal)))
                    place[filled], start_s[filled], ordinal[filled] = client, now_s, number
                    filled += 1
                    number += 1
                    left = -math.log(unit_draw(arrivals, np.uint64(number)))
                else:
                    left -= rate_per_s * (until_s - now_s)
                    now_s = until_s
                    if until_s == change_s:
                        changes += np.uint64(1)
                        step = 1 + int(unit_draw(path, changes) * (states - 1))
                        state = (state + step) % states
                        change_s = now_s - math.log(unit_draw(stays, changes)) * dwell_s[state]
    return place[:filled], start_s[:filled], ordinal[:filled]
