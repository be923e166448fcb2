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
    """Tables of one design, LLM and deployment: rows stand at whole numbers, contexts on a grid."""

    dense_ns: np.ndarray
    """Everything that depends on the tokens of the step alone; by tokens, 0 to the token budget plus sequences."""
    sampled_ns: np.ndarray
    """LM head and sampling; by sequences that emit a token."""
    decode_ns: np.ndarray
    """Decode attention; (sequences, context per sequence)."""
    prefill_ns: np.ndarray
    """Prefill attention; (prompt tokens, context before them)."""


LEAST_CONTEXT = 32.0
"""Tokens of context at the first grid point."""
DECODE_CONTEXT_STEPS, PREFILL_CONTEXT_STEPS = 2, 1
"""Grid points per doubling of context, evenly between one power of two and the next."""


@njit(nogil=True, forceinline=True)
def interpolated(table: np.ndarray, rows: int, context: float, steps: int) -> float:
    """Straight lines between contexts, in the values themselves: attention is near linear; the ends are held."""
    row, last = min(rows, table.shape[0] - 1), table.shape[1] - 1
    mantissa, exponent = math.frexp(context / LEAST_CONTEXT)
    if exponent < 1:
        return float(table[row, 0])
    way = steps * (2.0 * mantissa - 1.0)
    at = steps * (exponent - 1) + int(way)
    if at >= last:
        return float(table[row, last])
    share = way - int(way)
    return float(table[row, at] * (1.0 - share) + table[row, at + 1] * share)


@njit(nogil=True, forceinline=True)
def table_ns(cost: StepCost, features: StepFeatures) -> int:
    """Nanoseconds of a step out of a design's tables; the rows sampled are those of prompts that end included."""
    chunk, decoding = features.chunk_tokens, features.decoding
    tokens = min(chunk + decoding, cost.dense_ns.size - 1)
    total = cost.dense_ns[tokens] + cost.sampled_ns[min(features.emitting, cost.sampled_ns.size - 1)]
    if decoding > 0:
        total += interpolated(cost.decode_ns, decoding, features.decode_kv / decoding, DECODE_CONTEXT_STEPS)
    if chunk > 0:
        total += interpolated(cost.prefill_ns, chunk, features.prompt_context / chunk, PREFILL_CONTEXT_STEPS)
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
