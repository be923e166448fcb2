"""Time of one scheduler step out of tables, inside numba loops."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numba.extending import overload

from hwmodel.serving.errors import UnknownCost
from hwmodel.serving.step_features import StepFeatures


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


@njit(nogil=True, forceinline=True)
def _octave(value: float, points: int) -> tuple[int, float]:
    """The grid point below a value, and how far it lies on the way to the next; the ends are held."""
    mantissa, exponent = math.frexp(value)
    if exponent < 1:
        return 0, 0.0
    if exponent > points - 1:
        return points - 2, 1.0
    return exponent - 1, 2.0 * mantissa - 1.0


@njit(nogil=True, forceinline=True)
def _interpolated(table: np.ndarray, rows: float, context: float) -> float:
    """Straight lines between powers of two, in the values themselves: attention is near linear in both."""
    i, u = _octave(rows, table.shape[0])
    j, v = _octave(context / LEAST_CONTEXT, table.shape[1])
    return (
        table[i, j] * (1.0 - u) * (1.0 - v)
        + table[i + 1, j] * u * (1.0 - v)
        + table[i, j + 1] * (1.0 - u) * v
        + table[i + 1, j + 1] * u * v
    )


@njit(nogil=True, forceinline=True)
def table_ns(cost: StepCost, features: StepFeatures) -> int:
    """Nanoseconds of a step out of a design's tables; the rows sampled are those of prompts that end included."""
    chunk, decoding = features.chunk_tokens, features.decoding
    tokens = min(chunk + decoding, cost.dense_ns.size - 1)
    total = cost.dense_ns[tokens] + cost.sampled_ns[min(features.emitting, cost.sampled_ns.size - 1)]
    if decoding > 0:
        total += _interpolated(cost.decode_ns, float(decoding), max(features.decode_kv / decoding, 1.0))
    if chunk > 0:
        total += _interpolated(cost.prefill_ns, float(chunk), max(features.prompt_context / chunk, 1.0))
    return int(total)


_KINDS: dict[type, Callable[[Any, StepFeatures], int]] = {}


def register_cost(kind: type, law: Callable[[Any, StepFeatures], int]) -> None:
    """Say how long a step takes under a kind of cost.

    Args:
        kind: A named tuple of arrays and numbers.
        law: Compiled function of a cost and what the step computes, in ns.
    """
    _KINDS[kind] = law


def law_of(kind: type) -> Callable[[Any, StepFeatures], int]:
    """The compiled law of a kind of cost.

    Raises:
        UnknownCost: None was registered.
    """
    if kind not in _KINDS:
        raise UnknownCost(f"no law says how long a step takes under {kind.__name__}; register one with register_cost")
    return _KINDS[kind]


def step_ns(cost: Any, features: StepFeatures) -> int:
    """Nanoseconds of a step, whatever kind of cost it is; the same inside compiled loops.

    Raises:
        UnknownCost: Nobody said how long a step takes under this kind of cost.
    """
    return int(law_of(type(cost))(cost, features))


@overload(step_ns)
def _compiled_step_ns(cost: Any, features: Any) -> Any:  # noqa: ARG001 -- numba matches the arguments by name
    law = law_of(cost.instance_class)

    def timed(cost: Any, features: Any) -> Any:
        return law(cost, features)

    return timed


register_cost(StepCost, table_ns)
