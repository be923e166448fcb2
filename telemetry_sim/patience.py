"""How long people wait before they leave: a declared assumption, since no public trace joins latency with leaving."""

from dataclasses import dataclass

import numpy as np

from telemetry_sim.laws import Bools, Floats
from telemetry_sim.parameters import Patience


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """Columns over calls: when whoever waits leaves, counted from the request; infinite where nobody leaves."""

    first_token_s: Floats
    last_token_s: Floats


def draw_deadlines(rng: np.random.Generator, patience: Patience, is_watched: Bools, *, abandonment: bool) -> Deadlines:
    """Patience of each call's reader; random numbers are drawn whether or not anybody may leave."""
    count = len(is_watched)
    attends = is_watched & (rng.random(count) < patience.watched_ratio) & abandonment
    first_s = patience.first_token.times_s(rng.standard_normal(count))
    last_s = patience.last_token.times_s(rng.standard_normal(count))
    return Deadlines(
        first_token_s=np.where(attends, first_s, np.inf),
        last_token_s=np.where(attends, np.maximum(last_s, first_s), np.inf),
    )
