"""How long people wait before they leave: a declared assumption, since no public trace joins latency with leaving."""

from dataclasses import dataclass

import numpy as np
from numba import njit

from telemetry_sim.behaviour.draws import FIRST_PATIENCE, LAST_PATIENCE, WATCHED
from telemetry_sim.laws import Bools, Floats, drawn_value
from telemetry_sim.parameters import Patience
from telemetry_sim.streams import Keys, normal_draw, unit_draw


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """Columns over calls: when whoever waits leaves, counted from the request; infinite where nobody leaves."""

    first_token_s: Floats
    last_token_s: Floats


def draw_deadlines(patience: Patience, row_key: Keys, is_watched: Bools, *, abandonment: bool) -> Deadlines:
    """Patience of each call's reader; nobody leaves without `abandonment`."""
    if not abandonment:
        never = np.full(len(row_key), np.inf)
        return Deadlines(first_token_s=never, last_token_s=never)
    first_s, last_s = _deadlines(
        row_key, is_watched, patience.watched_ratio, patience.first_token.log_table(), patience.last_token.log_table()
    )
    return Deadlines(first_token_s=first_s, last_token_s=last_s)


@njit(cache=True, nogil=True)
def _deadlines(
    row_key: Keys, is_watched: Bools, watched_ratio: float, first_law: Floats, last_law: Floats
) -> tuple[Floats, Floats]:
    first_s, last_s = np.full(len(row_key), np.inf), np.full(len(row_key), np.inf)
    for row in range(len(row_key)):
        key = row_key[row]
        if is_watched[row] and unit_draw(key, WATCHED) < watched_ratio:
            first_s[row] = drawn_value(first_law, normal_draw(key, FIRST_PATIENCE))
            last_s[row] = max(drawn_value(last_law, normal_draw(key, LAST_PATIENCE)), first_s[row])
    return first_s, last_s
