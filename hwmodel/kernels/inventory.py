"""The kernels of one decoder step on one rank, for many step states at once."""

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float

from hwmodel.catalog.llm import Deployment, LlmSpec
from hwmodel.kernels.attention import grouped_query_layer, latent_layer, norm
from hwmodel.kernels.batch import KernelBatch, StepStates
from hwmodel.kernels.columns import KernelColumn, assemble, repeated
from hwmodel.kernels.feed_forward import dense_feed_forward, mixture_feed_forward
from hwmodel.kernels.layout import ACTIVATION_BYTES, RankLayout, rank_layout
from hwmodel.kernels.linear_attention import linear_layer
from hwmodel.kernels.operators import collective, gemm, vector
from hwmodel.kernels.step import StepTokens, step_tokens
from warehouse.contracts.vocabulary import KernelFamily

LOGIT_BYTES = 4.0
"""Logits are sampled in fp32 (published: vLLM sampler)."""
SAMPLING_FLOP = 8.0
"""Vector operations per logit: temperature, max, softmax, cumulative sum, draw (assumed)."""
LOGITS_PER_ITEM = 4096.0
"""Logits that one core takes at a time: a row of a large vocabulary spreads over many cores (assumed)."""


def kernel_inventory(llm: LlmSpec, deployment: Deployment, states: StepStates) -> KernelBatch:
    """Kernels of one decoder step on one rank, for each state.

    Attention multiplies in bf16 whatever the cache format. Prompt tokens of a step count as one sequence, contexts
    of decoding sequences enter by their mean, experts are drawn uniformly. Where attention is divided by data, every
    group has an even share of the sequences: true of many, while few leave groups idle that the others wait for.

    Args:
        llm: architecture of the served LLM.
        deployment: ranks and number formats.
        states: what is in each step; a kernel without work in a state is absent from it.

    Returns:
        Kernels of all states, those of one state together and in running order.

    Raises:
        BadStates: states that no scheduler can produce.
    """
    return assemble(kernel_columns(llm, deployment, states))


def kernel_columns(llm: LlmSpec, deployment: Deployment, states: StepStates) -> tuple[KernelColumn, ...]:
    """The kernels of `kernel_inventory` in running order, each over all states, before they become rows.

    Raises:
        BadStates: states that no scheduler can produce.
    """
    layout = rank_layout(llm, deployment)
    every = step_tokens(states)
    own = every.of_group(deployment.attention_dp_count)
    return (
        _embedding(layout, own),
        *_attention_layers(layout, own),
        *_feed_forward_layers(layout, own, every),
        norm("final_norm", own, llm.hidden),
        *_head(layout, own),
    )


def touched_bytes(columns: Iterable[KernelColumn], states_count: int) -> Float[np.ndarray, "states"]:
    """Weights and cache that the whole step of each state touches, layers repeated."""
    total = np.zeros(states_count)
    for column in columns:
        total += np.where(column.runs, column.repeat_count * column.weight_bytes, 0.0)
    return total


def _embedding(layout: RankLayout, tokens: StepTokens) -> KernelColumn:
    return vector(
        "embedding",
        rows=tokens.total,
        bytes_per_row=2.0 * layout.llm.hidden * ACTIVATION_BYTES,
        flop_per_row=0.0,
        prefill_share=tokens.prefill_share,
    )


def _attention_layers(layout: RankLayout, tokens: StepTokens) -> tuple[KernelColumn, ...]:
    """Norm, attention and all-reduce of every layer, by kind of attention."""
    llm = layout.llm
    around = (
        norm("attention_norm", tokens, llm.hidden),
        *collective(
            "attention_all_reduce",
            message_bytes=tokens.total * llm.hidden * ACTIVATION_BYTES,
            ranks_count=layout.deployment.attention_tp_count,
            prefill_share=tokens.prefill_share,
        ),
    )
    full = (
        grouped_query_layer(layout, tokens, sliding=False) if llm.mla is None else latent_layer(layout, tokens, llm.mla)
    )
    sliding = grouped_query_layer(layout, tokens, sliding=True) if llm.sliding_layers_count else ()
    linear = () if llm.linear is None else linear_layer(layout, tokens, llm.linear)
    return (
        *repeated(around[:1], llm.layers_count),
        *repeated(full, llm.full_layers_count),
        *repeated(sliding, llm.sliding_layers_count),
        *repeated(linear, llm.linear_layers_count),
        *repeated(around[1:], llm.layers_count),
    )


def _feed_forward_layers(layout: RankLayout, tokens: StepTokens, every: StepTokens) -> tuple[KernelColumn, ...]:
    """Norm and feed-forward part of every layer, dense or mixture; experts see the tokens of every group."""
    llm = layout.llm
    ffn_norm = repeated((norm("ffn_norm", tokens, llm.hidden),), llm.layers_count)
    if llm.moe is None:
        return (*ffn_norm, *repeated(dense_feed_forward(layout, tokens), llm.layers_count))
    dense_count = llm.moe.first_dense_layers_count
    dense = repeated(dense_feed_forward(layout, tokens), dense_count) if dense_count else ()
    mixture = mixture_feed_forward(layout, tokens, every, llm.moe)
    return (*ffn_norm, *dense, *repeated(mixture, llm.layers_count - dense_count))


def _head(layout: RankLayout, tokens: StepTokens) -> tuple[KernelColumn, ...]:
    """Logits of the sampled rows on this rank's share of the vocabulary, gathered, then sampled."""
    llm, rows, share = layout.llm, tokens.sampled, tokens.sampled_prefill_share
    return (
        *gemm(
            "lm_head_gemm",
            m=rows,
            n=layout.vocab,
            k=llm.hidden,
            storage=layout.other_dtype,
            math=layout.other_math,
            prefill_share=share,
        ),
        *collective(
            "logits_all_gather",
            message_bytes=rows * llm.vocab * ACTIVATION_BYTES,
            ranks_count=layout.deployment.attention_tp_count,
            prefill_share=share,
        ),
        vector(
            "sampling",
            rows=rows,
            bytes_per_row=2.0 * llm.vocab * LOGIT_BYTES,
            flop_per_row=SAMPLING_FLOP * llm.vocab,
            exponents_per_row=float(llm.vocab),
            items_per_row=max(llm.vocab / LOGITS_PER_ITEM, 1.0),
            prefill_share=share,
            family=KernelFamily.SAMPLING,
        ),
    )
