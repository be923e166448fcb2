"""Renewal arrivals of many clients under piecewise constant rates: operational time mapped back to the clock."""

import numpy as np
from numba import njit

from telemetry_sim.laws import Floats, Ints
from telemetry_sim.population.gaps import first_gap_draw, gap_draw
from telemetry_sim.streams import Keys, child_key

DAY_S = 86_400.0
LAST_INSTANT_S = float(np.nextafter(DAY_S, 0.0))


def arrivals_at_rates(
    keys: Keys, law: Ints, shape_ratio: Floats, expected: Floats, rate_ratio: Floats, profile: Ints
) -> tuple[Ints, Floats, Ints]:
    """Arrivals of a day, by client and time.

    Each client's arrivals are a stationary renewal process of mean gap 1 on [0, expected) in operational time, which
    runs at the client's rate (Cox's time change): the law of gaps is kept, the mean rate follows the profile.

    Args:
        keys: Stream of each client on this day.
        law: Gap law of each client, a code of `gaps`.
        shape_ratio: Shape of that law.
        expected: Expected arrivals of each client.
        rate_ratio: Relative rate by equal parts of the day, shape (profiles, parts).
        profile: Row of `rate_ratio` that each client follows.

    Returns:
        Place of the client, clock time in seconds since midnight, and number among the client's arrivals.
    """
    cumulated = np.zeros((rate_ratio.shape[0], rate_ratio.shape[1] + 1))
    np.cumsum(rate_ratio, axis=1, out=cumulated[:, 1:])
    total = cumulated[:, -1:]
    cumulated /= np.where(total > 0.0, total, 1.0)
    spare = 64 + int(1.1 * expected.sum())
    return _arrivals(keys, law, shape_ratio, expected, cumulated, profile, spare)


@njit(cache=True, nogil=True)
def _arrivals(
    keys: Keys, law: Ints, shape: Floats, expected: Floats, cumulated: Floats, profile: Ints, spare: int
) -> tuple[Ints, Floats, Ints]:
    """One pass over clients; the output columns double when they are full."""
    place, start_s, ordinal = np.empty(spare, np.int64), np.empty(spare), np.empty(spare, np.int64)
    filled, parts = 0, cumulated.shape[1] - 1
    part_s = DAY_S / parts
    for client in range(len(keys)):
        ends = cumulated[profile[client]]
        number, part = 0, 0
        elapsed = first_gap_draw(child_key(keys[client], np.uint64(0)), law[client], shape[client])
        while elapsed < expected[client]:
            if filled == len(place):
                place = np.concatenate((place, np.empty_like(place)))
                start_s = np.concatenate((start_s, np.empty_like(start_s)))
                ordinal = np.concatenate((ordinal, np.empty_like(ordinal)))
            target = elapsed / expected[client]
            if ends[part + 1] <= target:
                part = min(np.searchsorted(ends, target, side="right") - 1, parts - 1)
            inside = (target - ends[part]) / (ends[part + 1] - ends[part])
            place[filled], ordinal[filled] = client, number
            start_s[filled] = min((part + inside) * part_s, LAST_INSTANT_S)
            filled += 1
            number += 1
            elapsed += gap_draw(child_key(keys[client], np.uint64(number)), law[client], shape[client])
    return place[:filled], start_s[:filled], ordinal[:filled]
