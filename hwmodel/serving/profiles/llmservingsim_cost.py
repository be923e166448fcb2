"""Time of one step out of LLMServingSim's kernel grids, inside numba loops."""

from typing import NamedTuple

import numpy as np
from numba import njit

from hwmodel.serving.errors import OutsideProfile
from hwmodel.serving.step_cost import register_cost
from hwmodel.serving.step_features import StepFeatures


class LlmServingSimCost(NamedTuple):
    """Tables of one LLM on one device; times are of all layers."""

    dense_ns: np.ndarray
    """Everything that depends on the tokens of the step alone; by tokens, from 0."""
    sampled_ns: np.ndarray
    """LM head and sampler; by sequences in the step, from 0."""
    chunk_at: np.ndarray
    """Grid of prompt tokens, from 0."""
    context_at: np.ndarray
    """Grid of context before them, from 0."""
    decoding_at: np.ndarray
    """Grid of decoding sequences, from 0."""
    history_at: np.ndarray
    """Grid of the context of each decoding sequence before its new token, from 0."""
    attention_ns: np.ndarray
    """Attention at these four; straight lines between."""
    alpha_ratio: np.ndarray
    """How far unequal contexts move attention from that of their mean to that of the longest; by class of chunk, of
    sequences and of mean over longest context."""
    alpha_chunk_at: np.ndarray
    """Largest chunk of each class but the last."""
    alpha_decoding_at: np.ndarray
    alpha_share_at: np.ndarray
    overhead_ns: float
    """Host time per step."""

    @property
    def WANTS_LONGEST(self) -> bool:  # noqa: N802 - an engine asks every kind of cost by this name
        """Whether the longest context matters; engines need not know it otherwise."""
        return bool(np.any(self.alpha_ratio > 0.0))


@njit(nogil=True, cache=True)
def llmservingsim_step_ns(cost: LlmServingSimCost, step: StepFeatures) -> int:
    """Nanoseconds of a step.

    LM head and sampler run over every sequence of the step, also over prompts that have not ended: vLLM v1 gathers one
    row of each and drops what it does not need.

    Raises:
        OutsideProfile: The step is larger than the grids.
    """
    tokens = step.chunk_tokens + step.decoding
    sequences = step.prompt_count + step.decoding
    if tokens >= cost.dense_ns.size or sequences >= cost.sampled_ns.size:
        raise OutsideProfile("a step has more tokens or sequences than the kernel profile")
    total = cost.dense_ns[tokens] + cost.sampled_ns[sequences] + cost.overhead_ns
    return int(np.rint(total + _attention_ns(cost, step)))


@njit(nogil=True)
def _attention_ns(cost: LlmServingSimCost, step: StepFeatures) -> float:
    chunk, context = one_prompt(step)
    history, longest = 0.0, 0.0
    if step.decoding > 0:
        history = step.decode_kv / step.decoding
        longest = float(step.longest_kv)
    if (
        chunk > cost.chunk_at[-1]
        or context > cost.context_at[-1]
        or step.decoding > cost.decoding_at[-1]
        or longest > cost.history_at[-1]
    ):
        raise OutsideProfile("a step has a chunk, a context or more sequences than the attention profile")
    at_mean = _interpolated(cost, chunk, context, step.decoding, history)
    if step.decoding < 2 or longest <= history:
        return at_mean
    i = np.searchsorted(cost.alpha_chunk_at, step.chunk_tokens)
    j = np.searchsorted(cost.alpha_decoding_at, step.decoding)
    k = np.searchsorted(cost.alpha_share_at, history / longest)
    alpha = cost.alpha_ratio[i, j, k]
    if alpha == 0.0:
        return at_mean
    at_longest = _interpolated(cost, chunk, context, step.decoding, longest)
    return at_mean + alpha * max(at_longest - at_mean, 0.0)


@njit(nogil=True)
def one_prompt(step: StepFeatures) -> tuple[float, float]:
    """Chunk and context before it of one prompt with as many pairs of query and key as all prompts of the step have.

    A chunk c behind context k makes c k + c^2 / 2 pairs. The one chunk has all prompt tokens, unless several prompts
    without context make fewer pairs than that.
    """
    pairs_twice = step.chunk_squares + 2.0 * step.prompt_context
    all_tokens = float(step.chunk_tokens)
    if pairs_twice <= all_tokens * all_tokens:
        return np.sqrt(pairs_twice), 0.0
    return all_tokens, 0.5 * (pairs_twice / all_tokens - all_tokens)


@njit(nogil=True)
def _interpolated(cost: LlmServingSimCost, chunk: float, context: float, decoding: float, history: float) -> float:
    """Straight lines along each of the four axes; corners without weight are not read."""
    i, u = _bracket(cost.chunk_at, chunk)
    j, v = _bracket(cost.context_at, context)
    k, w = _bracket(cost.decoding_at, decoding)
    n, x = _bracket(cost.history_at, history)
    total = 0.0
    for di in range(2):
        weight_i = u if di == 1 else 1.0 - u
        if weight_i == 0.0:
            continue
        for dj in range(2):
            weight_j = weight_i * (v if dj == 1 else 1.0 - v)
            if weight_j == 0.0:
                continue
            plane = cost.attention_ns[i + di, j + dj]
            low = plane[k, n] * (1.0 - x) + plane[k, n + 1] * x
            high = plane[k + 1, n] * (1.0 - x) + plane[k + 1, n + 1] * x
            total += weight_j * (low * (1.0 - w) + high * w)
    return total


@njit(nogil=True)
def _bracket(axis: np.ndarray, value: float) -> tuple[int, float]:
    """Position of the grid point below, never the last, and how far the value is to the next."""
    at = min(max(int(np.searchsorted(axis, value, side="right")) - 1, 0), axis.size - 2)
    return at, min(max((value - axis[at]) / (axis[at + 1] - axis[at]), 0.0), 1.0)


register_cost(LlmServingSimCost, llmservingsim_step_ns)
