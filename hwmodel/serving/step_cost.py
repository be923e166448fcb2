"""Time of one scheduler step out of tables, inside numba loops."""

from typing import NamedTuple

import numpy as np
from numba import njit


class StepCost(NamedTuple):
    """Tables of one design, LLM and deployment. Grids stand at powers of two; between them, straight lines."""

    dense_ns: np.ndarray
    """Everything that depends on the tokens of the step alone; by tokens, 0 to the token budget plus sequences."""
    sampled_ns: np.ndarray
    """LM head and sampling; by sequences that emit a token."""
    decode_ns: np.ndarray
    """Decode attention; (log2 sequences, log2 of context per sequence from 32)."""
    prefill_ns: np.ndarray
    """Prefill attention; (log2 chunk, log2 of context before the chunk from 32)."""


LEAST_CONTEXT = 32.0
"""Tokens of context at the first grid point; the first row is 1 sequence, or a chunk of 1."""


@njit(inline="always")
def _interpolated(table: np.ndarray, rows: float, context: float) -> float:
    """Straight lines between powers of two, in the values themselves: attention is near linear in both."""
    x = min(max(np.log2(rows), 0.0), table.shape[0] - 1.0)
    y = min(max(np.log2(context / LEAST_CONTEXT), 0.0), table.shape[1] - 1.0)
    i = min(int(x), table.shape[0] - 2)
    j = min(int(y), table.shape[1] - 2)
    u = min(max(rows / (1 << i) - 1.0, 0.0), 1.0)
    v = min(max(context / (LEAST_CONTEXT * (1 << j)) - 1.0, 0.0), 1.0)
    return (
        table[i, j] * (1.0 - u) * (1.0 - v)
        + table[i + 1, j] * u * (1.0 - v)
        + table[i, j + 1] * (1.0 - u) * v
        + table[i + 1, j + 1] * u * v
    )


@njit(nogil=True)
def step_ns(cost: StepCost, chunk: int, context: float, emitting: int, decoding: int, kv_tokens: int) -> int:
    """Nanoseconds of a step.

    It computes `chunk` prompt tokens behind `context` cached ones, decodes `decoding` sequences with `kv_tokens` of
    context in sum, and samples `emitting` rows (those of prompts that end included).
    """
    tokens = min(chunk + decoding, cost.dense_ns.size - 1)
    total = cost.dense_ns[tokens] + cost.sampled_ns[min(emitting, cost.sampled_ns.size - 1)]
    if decoding > 0:
        total += _interpolated(cost.decode_ns, float(decoding), max(kv_tokens / decoding, 1.0))
    if chunk > 0:
        total += _interpolated(cost.prefill_ns, float(chunk), max(context, 1.0))
    return int(total)
