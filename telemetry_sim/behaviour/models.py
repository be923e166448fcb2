"""Which model each call asks for: one per session, switched at some turns, and the smallest for sub-agents."""

import numpy as np
from numba import njit

from telemetry_sim.behaviour.draft import Ragged
from telemetry_sim.behaviour.draws import FIRST_MODEL, NEXT_MODEL, SWITCHES_MODEL
from telemetry_sim.laws import Bools, Codes, Floats, Ints
from telemetry_sim.parameters import Models
from telemetry_sim.streams import Keys, unit_draw


def choose_models(
    models: Models, session_key: Keys, row_key: Keys, rows: Ragged, row_count: Ints, turn: Ints, is_subagent: Bools
) -> Codes:
    """Model of each row, as its place in `MODELS`.

    A model is chosen anew at the opening of a turn with chance `switch_ratio`, among the other models. The prompt
    cache belongs to a model, so a switch loses it.
    """
    ladder = np.cumsum(models.share_ratio)
    return _choose(
        session_key, row_key, rows.first_row, row_count, turn, is_subagent, ladder, models.switch_ratio,
        models.subagent_small_ratio,
    )  # fmt: skip


@njit(cache=True, nogil=True)
def _choose(
    session_key: Keys,
    row_key: Keys,
    first_row: Ints,
    row_count: Ints,
    turn: Ints,
    is_subagent: Bools,
    ladder: Floats,
    switch_ratio: float,
    small_ratio: float,
) -> Codes:
    chosen = np.zeros(len(turn), np.int8)
    last = len(ladder) - 1
    for s in range(len(first_row)):
        model = min(int(np.searchsorted(ladder, unit_draw(session_key[s], FIRST_MODEL))), last)
        helper = last if unit_draw(session_key[s], NEXT_MODEL) < small_ratio else model
        before = 0
        for row in range(first_row[s], first_row[s] + row_count[s]):
            if turn[row] != before:
                before = turn[row]
                if unit_draw(row_key[row], SWITCHES_MODEL) < switch_ratio:
                    model = min(int(np.searchsorted(ladder, unit_draw(row_key[row], NEXT_MODEL))), last)
            chosen[row] = helper if is_subagent[row] else model
    return chosen
