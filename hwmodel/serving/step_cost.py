"""Time of one scheduler step out of tables, inside numba loops."""

from typing import NamedTuple

import numpy as np
from numba import njit


class StepCost(NamedTuple):
    """Tables of one design, LLM and deployment. Steps between grid points are interpolated linearly on log2 axes."""

    dense_ns: np.ndarray
    """Everything that depends on the tokens of the step alone; by tokens, 0 to the token budget plus sequences."""
    sampled_ns: np.ndarray
    """LM head and sampling; by sequences that emit a token."""
    decode_ns: np.ndarray
    """Decode attention; (log2 sequences, log2 of context per sequence), `GRID_POINTS` points per octave."""
    prefill_ns: np.ndarray
    """Prefill attention; (log2 chunk, log2 of context before the chunk)."""


DECODE_GRID_FROM = (0.0, 5.0)
"""log2 of the first grid point: 1 sequence, 32 tokens of context."""
PREFILL_GRID_FROM = (0.0, 5.0)


@njit(cache=True, inline="always")
def _interpolated(table: np.ndarray, x: float, y: float) -> float:
    x = min(max(x, 0.0), table.shape[0] - 1.0)
    y = min(max(y, 0.0), table.shape[1] - 1.0)
    i = min(int(x), table.shape[0] - 2)
    j = min(int(y), table.shape[1] - 2)
    u = x - i
    v = y - j
    return (
        table[i, j] * (1.0 - u) * (1.0 - v)
        + table[i + 1, j] * u * (1.0 - v)
        + table[i, j + 1] * (1.0 - u) * v
        + table[i + 1, j + 1] * u * v
    )


@njit(cache=True)
def step_ns(cost: StepCost, chunk: int, context: float, emitting: int, decoding: int, kv_tokens: int) -> int:
    """Nanoseconds of a step.

    It computes `chunk` prompt tokens behind `context` cached ones, decodes `decoding` sequences with `kv_tokens` of
    context in sum, and samples `emitting` rows (those of prompts that end included).
    """
    tokens = min(chunk + decoding, cost.dense_ns.size - 1)
    total = cost.dense_ns[tokens] + cost.sampled_ns[min(emitting, cost.sampled_ns.size - 1)]
    if decoding > 0:
        each = max(kv_tokens / decoding, 1.0)
        total += _interpolated(cost.decode_ns, np.log2(decoding), np.log2(each) - 5.0)
    if chunk > 0:
        total += _interpolated(cost.prefill_ns, np.log2(chunk), np.log2(max(context, 1.0)) - 5.0)
    return int(total)
