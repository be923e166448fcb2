"""Compiled recursions of the generator: memory of scores, turns, and the prompt along each session."""

import numpy as np
from numba import njit

from telemetry_sim.laws import Bools, Floats, Ints


@njit(cache=True)
def remembered(step: Ints, noise: Floats, memory: float) -> Floats:
    """First-order autoregression of variance 1 along each session; noise is standard normal, one per row."""
    rows = len(noise)
    wave = np.empty(rows)
    fresh = np.sqrt(1.0 - memory * memory)
    for row in range(rows):
        wave[row] = noise[row] if step[row] == 0 else memory * wave[row - 1] + fresh * noise[row]
    return wave


@njit(cache=True)
def turns_of(step: Ints, turn_length: Ints) -> Ints:
    """Number of the human request of each row, where a turn that opens at a row would last `turn_length` calls."""
    rows = len(step)
    turn = np.empty(rows, np.int64)
    left, number = 0, 0
    for row in range(rows):
        if step[row] == 0:
            number, left = 0, turn_length[row]
        elif left <= 0:
            number, left = number + 1, turn_length[row]
        turn[row] = number
        left -= 1
    return turn


@njit(cache=True)
def prompts_of(
    step: Ints,
    is_human: Bools,
    first: Ints,
    growth: Ints,
    chance: Floats,
    kept_ratio: Floats,
    edges: Floats,
    tool_hazard: Floats,
    human_hazard: Floats,
    most: int,
) -> tuple[Ints, Bools]:
    """Prompt of each row and whether it shrank; `edges` has one number fewer than the hazards."""
    rows = len(step)
    prompt = np.empty(rows, np.int64)
    shrank = np.zeros(rows, np.bool_)
    for row in range(rows):
        if step[row] == 0:
            prompt[row] = first[row]
            continue
        before = prompt[row - 1]
        band = np.searchsorted(edges, before)
        hazard = human_hazard[band] if is_human[row] else tool_hazard[band]
        after = before + growth[row]
        if chance[row] < hazard or after > most:
            shrank[row] = True
            after = max(np.int64(before * min(kept_ratio[row], 0.999)), 1)
        prompt[row] = after
    return prompt, shrank
