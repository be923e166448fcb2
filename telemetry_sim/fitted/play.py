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
    kind: Ints,
    first: Ints,
    growth: Ints,
    chance: Floats,
    kept_ratio: Floats,
    most: Ints,
    edges: Floats,
    hazard: Floats,
    end_chance: Floats,
    step_rate: Floats,
    end_edges: Floats,
    end_factor: Floats,
) -> tuple[Ints, Bools, Bools]:
    """Prompt of each row, whether it shrank, and whether the session would end after it.

    Args:
        step: Place of the row in its session.
        is_human: Whether a human brought the call about.
        kind: Class of the row's session.
        first: First prompt of the row's session.
        growth: Growth of the row, should it grow.
        chance: Uniform draw against the hazard of shrinking.
        kept_ratio: Shrunk prompt over the prompt before, should it shrink.
        most: Longest prompt by class.
        edges: Inner edges of context bands by class, padded with infinity. Shape (classes, bands - 1).
        hazard: Hazard of shrinking. Shape (classes, 2, bands), tool first.
        end_chance: Uniform draw against the end.
        step_rate: Rate of ending by the number of calls so far.
        end_edges: Like `edges`, for the end.
        end_factor: Factor on the rate. Shape (classes, bands).
    """
    rows = len(step)
    prompt = np.empty(rows, np.int64)
    shrank = np.zeros(rows, np.bool_)
    ends = np.zeros(rows, np.bool_)
    for row in range(rows):
        own = kind[row]
        if step[row] == 0:
            after = first[row]
        else:
            before = prompt[row - 1]
            band = np.searchsorted(edges[own], before)
            after = before + growth[row]
            if chance[row] < hazard[own, 1 if is_human[row] else 0, band] or after > most[own]:
                shrank[row] = True
                after = max(np.int64(before * min(kept_ratio[row], 0.999)), 1)
        prompt[row] = after
        rate = step_rate[row] * end_factor[own, np.searchsorted(end_edges[own], after)]
        ends[row] = end_chance[row] < rate
    return prompt, shrank, ends
