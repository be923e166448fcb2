"""Time of one step with drafts out of tables, inside numba loops: verifying them, and drafting the next ones."""

from typing import NamedTuple

import numpy as np
from numba import njit

from hwmodel.serving.step_cost import DECODE_CONTEXT_STEPS, PREFILL_CONTEXT_STEPS, interpolated, register_cost
from hwmodel.serving.step_features import StepFeatures


class PassTables(NamedTuple):
    """Tables of one LLM; as `StepCost`, but a decoding sequence may compute several tokens."""

    dense_ns: np.ndarray
    """By tokens."""
    sampled_ns: np.ndarray
    """By rows that need logits."""
    decode_ns: np.ndarray
    """(tokens per sequence less one, sequences, context per sequence)."""
    prefill_ns: np.ndarray
    """(prompt tokens, context before them)."""


class SpeculativeCost(NamedTuple):
    """Tables of one design for an LLM, and for what drafts for it."""

    verify: PassTables
    first: PassTables
    """The draft's pass over the tokens of the step, behind which the first draft of each sequence is known."""
    later: PassTables
    """Each further pass, over one token of each sequence."""
    passes_count: int
    """Passes of the draft in a step: one per draft token; 0 where no model drafts."""
    host_ns: float
    """Host time of drafting."""


@njit(nogil=True)
def decode_attention_ns(tables: PassTables, sequences: int, queries: float, context: float) -> float:
    """Nanoseconds of decode attention; straight lines between whole tokens per sequence."""
    last = tables.decode_ns.shape[0] - 1
    low = min(int(queries) - 1, last)
    taken = interpolated(tables.decode_ns[low], sequences, context, DECODE_CONTEXT_STEPS)
    share = queries - 1.0 - low
    if share > 0.0 and low < last:
        more = interpolated(tables.decode_ns[low + 1], sequences, context, DECODE_CONTEXT_STEPS)
        taken += share * (more - taken)
    return float(taken)


@njit(nogil=True)
def products_ns(tables: PassTables, tokens: int, rows: int) -> float:
    """Nanoseconds of all that follows tokens, and of the rows that need logits."""
    dense = tables.dense_ns[min(tokens, tables.dense_ns.size - 1)]
    return float(dense + tables.sampled_ns[min(rows, tables.sampled_ns.size - 1)])


@njit(nogil=True)
def whole_pass_ns(tables: PassTables, features: StepFeatures, rows: int) -> float:
    """Nanoseconds of a pass over all tokens of a step: prompts, and decoding sequences with their drafts."""
    decoding = features.decoding
    total = products_ns(tables, features.chunk_tokens + decoding + features.draft_tokens, rows)
    if decoding > 0:
        queries = 1.0 + features.draft_tokens / decoding
        total += decode_attention_ns(tables, decoding, queries, features.decode_kv / decoding)
    if features.chunk_tokens > 0:
        before = features.prompt_context / features.chunk_tokens
        total += interpolated(tables.prefill_ns, features.chunk_tokens, before, PREFILL_CONTEXT_STEPS)
    return total


@njit(nogil=True)
def speculative_ns(cost: SpeculativeCost, features: StepFeatures) -> int:
    """Nanoseconds of a step: the LLM on all tokens and drafts, then the draft's passes for the sequences that go on.

    The draft computes what the LLM does, prompts and rejected drafts included, before it can guess (as vLLM's
    proposer on padded batches); its later passes compute one token per sequence.
    """
    emitting = features.emitting
    total = whole_pass_ns(cost.verify, features, emitting + features.draft_tokens) + cost.host_ns
    if cost.passes_count > 0:
        total += whole_pass_ns(cost.first, features, emitting)
    if cost.passes_count > 1 and emitting > 0:
        context = features.decode_kv / features.decoding if features.decoding > 0 else 0.0
        if features.decoding == 0:
            context = features.prompt_kv / features.prompt_count
        each = products_ns(cost.later, emitting, emitting) + decode_attention_ns(cost.later, emitting, 1.0, context)
        total += (cost.passes_count - 1) * each
    return int(total)


register_cost(SpeculativeCost, speculative_ns)
