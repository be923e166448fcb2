"""Time of one step out of Vidur's kernel tables, inside numba loops.

As Vidur's execution-time predictor adds it up (microsoft/vidur, commit 7d47513, source `vidur2024`): embedding, LM head
and host work are not counted, tokens round up to 8, contexts to 64, all prompts of a step count as one of the same
squares.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from hwmodel.serving.errors import OutsideProfile
from hwmodel.serving.step_cost import register_cost
from hwmodel.serving.step_features import StepFeatures


class VidurCost(NamedTuple):
    """Tables of one LLM on one device; times are of all layers."""

    dense_ns: np.ndarray
    """Everything but attention, all-reduce included; by tokens of the step, from 0."""
    decode_ns: np.ndarray
    """Decode attention; (sequences from 0, mean context in `context_step`s)."""
    prefill_ns: np.ndarray
    """Prefill attention; (context before the chunk in `context_step`s, chunk from 0)."""
    context_step: int
    """Tokens that contexts round up to."""
    batching_factor_ratio: float
    """On attention of more than one sequence: heads that share KV gain less from each other's company."""
    overhead_ns: float
    """Host time per step."""


@njit(nogil=True, cache=True)
def vidur_step_ns(cost: VidurCost, step: StepFeatures) -> int:
    """Nanoseconds of a step.

    Vidur counts the token under way into a decoding sequence's context. Contexts before chunks are rounded in sum;
    Vidur rounds each. Under its own scheduler that is the same: one prompt at most has context before its chunk.

    Raises:
        OutsideProfile: The step is larger than the tables.
    """
    tokens = step.chunk_tokens + step.decoding
    if tokens >= cost.dense_ns.size:
        raise OutsideProfile("a step has more tokens than the kernel tables")
    total = cost.dense_ns[tokens] + cost.overhead_ns
    if step.decoding > 0:
        context = _steps_of(cost, step.decode_kv // step.decoding + 1)
        if step.decoding >= cost.decode_ns.shape[0] or context >= cost.decode_ns.shape[1]:
            raise OutsideProfile("a step decodes more sequences, or longer ones, than the kernel tables")
        time = cost.decode_ns[step.decoding, context]
        total += time * cost.batching_factor_ratio if step.decoding > 1 else time
    if step.chunk_tokens > 0:
        context = _steps_of(cost, step.prompt_kv - step.chunk_tokens)
        chunk = int(np.sqrt(step.chunk_squares) + 0.5)
        if context >= cost.prefill_ns.shape[0] or chunk >= cost.prefill_ns.shape[1]:
            raise OutsideProfile("a step has a longer chunk, or more context before it, than the kernel tables")
        time = cost.prefill_ns[context, chunk]
        total += time * cost.batching_factor_ratio if step.prompt_count > 1 else time
    return int(np.rint(total))


@njit(inline="always")
def _steps_of(cost: VidurCost, context: int) -> int:
    return int((context + cost.context_step - 1) // cost.context_step)


register_cost(VidurCost, vidur_step_ns)
