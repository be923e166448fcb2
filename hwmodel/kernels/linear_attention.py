"""Kernels of one linear-attention layer (gated DeltaNet): a recurrent state instead of a growing cache."""

import math

import numpy as np

from hwmodel.catalog.llm import LinearAttentionSpec
from hwmodel.kernels.columns import KernelColumn
from hwmodel.kernels.layout import ACTIVATION_BYTES, RECURRENT_STATE_BYTES, RankLayout
from hwmodel.kernels.operators import gemm, vector
from hwmodel.kernels.step import StepTokens
from warehouse.contracts.vocabulary import KernelFamily

CHUNK_TOKENS = 64.0
"""Tokens per chunk of the parallel form (published: flash-linear-attention, chunk_gated_delta_rule)."""
STATE_FLOP = 8.0
"""Vector operations per state element and token of the recurrent form: decay, read, delta, write (Yang et al. 2024)."""


def linear_layer(layout: RankLayout, tokens: StepTokens, spec: LinearAttentionSpec) -> tuple[KernelColumn, ...]:
    """One gated DeltaNet layer from input product to output product."""
    llm, share = layout.llm, tokens.prefill_share
    storage, math_dtype = layout.layer_dtype, layout.layer_math
    k_heads, v_heads = _heads(layout, spec)
    mixed = 2 * k_heads * spec.k_dim + v_heads * spec.v_dim
    into = mixed + v_heads * spec.v_dim + 2 * v_heads
    rows, out = tokens.total, v_heads * spec.v_dim
    return (
        *gemm("linear_in_gemm", m=rows, n=into, k=llm.hidden, storage=storage, math=math_dtype, prefill_share=share),
        vector(
            "linear_convolution",
            rows=rows,
            bytes_per_row=2.0 * mixed * ACTIVATION_BYTES,
            flop_per_row=2.0 * mixed * spec.conv_kernel,
            exponents_per_row=float(mixed),
            prefill_share=share,
        ),
        _prefill(layout, tokens, spec),
        _decode(layout, tokens, spec),
        vector(
            "linear_gated_norm",
            rows=rows,
            bytes_per_row=3.0 * out * ACTIVATION_BYTES,
            flop_per_row=8.0 * out,
            exponents_per_row=float(out),
            prefill_share=share,
        ),
        *gemm("linear_out_gemm", m=rows, n=llm.hidden, k=out, storage=storage, math=math_dtype, prefill_share=share),
    )


def _prefill(layout: RankLayout, tokens: StepTokens, spec: LinearAttentionSpec) -> KernelColumn:
    """Chunked parallel form: within a chunk like attention, between chunks through the state.

    Per token and head: 2 CHUNK (2 k_dim + 2 v_dim) FLOP inside the chunk, 6 k_dim v_dim with the state
    (Yang et al. 2024, Gated Delta Networks, section 3.3).
    """
    k_heads, v_heads = _heads(layout, spec)
    inside = 2.0 * CHUNK_TOKENS * (2.0 * spec.k_dim + 2.0 * spec.v_dim)
    through = 6.0 * spec.k_dim * spec.v_dim
    width = 2 * k_heads * spec.k_dim + 2 * v_heads * spec.v_dim
    return KernelColumn(
        name="linear_attention_prefill",
        family=KernelFamily.LINEAR_ATTENTION,
        runs=tokens.prefill > 0.0,
        m=tokens.prefill,
        n=float(spec.v_dim),
        k=float(spec.k_dim),
        parallel_count=v_heads * np.maximum(tokens.prefill / CHUNK_TOKENS, 1.0),
        work_flop=tokens.prefill * v_heads * (inside + through),
        vector_flop=tokens.prefill * v_heads * 4.0 * CHUNK_TOKENS,
        exponent_count=tokens.prefill * v_heads * CHUNK_TOKENS,
        weight_bytes=2.0 * state_bytes(layout, spec) * (tokens.prefill > 0.0),
        activation_bytes=tokens.prefill * width * ACTIVATION_BYTES,
        prefill_share=1.0,
    )


def _decode(layout: RankLayout, tokens: StepTokens, spec: LinearAttentionSpec) -> KernelColumn:
    """Recurrent form: each sequence reads and writes its whole state once."""
    k_heads, v_heads = _heads(layout, spec)
    width = 2 * k_heads * spec.k_dim + 2 * v_heads * spec.v_dim
    return KernelColumn(
        name="linear_attention_decode",
        family=KernelFamily.LINEAR_ATTENTION,
        runs=tokens.decode > 0.0,
        m=np.minimum(tokens.decode, 1.0),
        n=float(spec.v_dim),
        k=float(spec.k_dim),
        parallel_count=tokens.decode * v_heads,
        vector_flop=tokens.decode * v_heads * spec.k_dim * spec.v_dim * STATE_FLOP,
        exponent_count=tokens.decode * v_heads,
        weight_bytes=2.0 * tokens.decode * state_bytes(layout, spec),
        activation_bytes=tokens.decode * width * ACTIVATION_BYTES,
    )


def state_bytes(layout: RankLayout, spec: LinearAttentionSpec) -> float:
    """Recurrent state of one sequence in one layer on one rank."""
    _, v_heads = _heads(layout, spec)
    return v_heads * spec.k_dim * spec.v_dim * RECURRENT_STATE_BYTES


def convolution_state_bytes(layout: RankLayout, spec: LinearAttentionSpec) -> float:
    """Last inputs of the short convolution of one sequence in one layer on one rank."""
    k_heads, v_heads = _heads(layout, spec)
    return (spec.conv_kernel - 1) * (2 * k_heads * spec.k_dim + v_heads * spec.v_dim) * ACTIVATION_BYTES


def _heads(layout: RankLayout, spec: LinearAttentionSpec) -> tuple[int, int]:
    tp_count = layout.deployment.attention_tp_count
    return math.ceil(spec.k_heads_count / tp_count), math.ceil(spec.v_heads_count / tp_count)
