"""Kernels of one attention layer with grouped or latent (MLA) heads: projections, rotary, KV write, attention."""

import numpy as np
from jaxtyping import Float

from hwmodel.catalog.llm import STORAGE_BYTES, MlaSpec
from hwmodel.kernels.columns import KernelColumn
from hwmodel.kernels.layout import ACTIVATION_BYTES, RankLayout
from hwmodel.kernels.operators import gemm, vector
from hwmodel.kernels.step import StepTokens
from warehouse.contracts.vocabulary import KernelFamily

ROTARY_FLOP = 6.0
"""Vector operations per rotated element pair member (assumed: two products and a sum, twice for sine and cosine)."""
SOFTMAX_FLOP = 6.0
"""Vector operations per score beside its exponential: scale, max, subtract, sum, convert, rescale (assumed)."""
NORM_FLOP = 6.0
"""Vector operations per element of a residual add and RMS norm (assumed)."""


def grouped_query_layer(layout: RankLayout, tokens: StepTokens, *, sliding: bool) -> tuple[KernelColumn, ...]:
    """Attention of one layer with (grouped) query heads, from QKV product to output product."""
    llm, share = layout.llm, tokens.prefill_share
    dim, heads, kv_heads = layout.head_dim, layout.heads_count, layout.kv_heads_count
    storage, math = layout.layer_dtype, layout.layer_math
    qkv = (heads + 2 * kv_heads) * dim
    window = float(llm.sliding_window_tokens or np.inf) if sliding else np.inf
    return (
        *gemm("qkv_gemm", m=tokens.total, n=qkv, k=llm.hidden, storage=storage, math=math, prefill_share=share),
        rotary(tokens, (heads + kv_heads) * dim),
        kv_write(layout, tokens),
        *_attention(layout, tokens, window=window, suffix="_sliding" if sliding else ""),
        *gemm("o_gemm", m=tokens.total, n=llm.hidden, k=heads * dim, storage=storage, math=math, prefill_share=share),
    )


def _attention(
    layout: RankLayout, tokens: StepTokens, *, window: float, suffix: str
) -> tuple[KernelColumn, KernelColumn]:
    dim, heads, kv_heads = layout.head_dim, layout.heads_count, layout.kv_heads_count
    prefill = prefill_attention(
        "attention_prefill" + suffix,
        tokens=tokens,
        window=window,
        heads_count=heads,
        group=heads / kv_heads,
        score_dim=dim,
        value_dim=dim,
        cache_bytes=layout.kv_token_bytes,
        activation_bytes_per_token=2.0 * (heads + kv_heads) * dim * ACTIVATION_BYTES,
    )
    decode = decode_attention(
        "attention_decode" + suffix,
        tokens=tokens,
        window=window,
        heads_count=heads,
        items_per_sequence=kv_heads,
        score_dim=dim,
        value_dim=dim,
        cache_bytes=layout.kv_token_bytes,
    )
    return prefill, decode


def latent_layer(layout: RankLayout, tokens: StepTokens, mla: MlaSpec) -> tuple[KernelColumn, ...]:
    """Attention of one MLA layer: absorbed weights for decoding, expanded keys and values for prompts."""
    llm, heads, share = layout.llm, layout.heads_count, tokens.prefill_share
    storage, math = layout.layer_dtype, layout.layer_math
    latent = mla.kv_lora_rank + mla.qk_rope_head_dim
    query_dim = mla.qk_nope_head_dim + mla.qk_rope_head_dim
    down = mla.q_lora_rank + latent
    rows = tokens.total
    return (
        *gemm("q_kv_a_gemm", m=rows, n=down, k=llm.hidden, storage=storage, math=math, prefill_share=share),
        norm("latent_norm", tokens, mla.q_lora_rank + mla.kv_lora_rank, residual=False),
        *gemm(
            "q_b_gemm", m=rows, n=heads * query_dim, k=mla.q_lora_rank, storage=storage, math=math, prefill_share=share
        ),
        rotary(tokens, (heads + 1) * mla.qk_rope_head_dim),
        kv_write(layout, tokens),
        *_expanded_prefill(layout, tokens, mla),
        *_absorbed_decode(layout, tokens, mla),
        *gemm(
            "o_gemm",
            m=rows,
            n=llm.hidden,
            k=heads * mla.v_head_dim,
            storage=storage,
            math=math,
            prefill_share=share,
        ),
    )


def _expanded_prefill(layout: RankLayout, tokens: StepTokens, mla: MlaSpec) -> tuple[KernelColumn, ...]:
    """Prompt tokens: the latent of the chunk and of its context is expanded to full keys and values."""
    heads = layout.heads_count
    expanded = heads * (mla.qk_nope_head_dim + mla.v_head_dim)
    score_dim = mla.qk_nope_head_dim + mla.qk_rope_head_dim
    rows = np.where(tokens.prefill > 0.0, tokens.prefill + tokens.context, 0.0)
    return (
        *gemm(
            "kv_b_gemm",
            m=rows,
            n=expanded,
            k=mla.kv_lora_rank,
            storage=layout.layer_dtype,
            math=layout.layer_math,
            prefill_share=1.0,
        ),
        prefill_attention(
            "attention_prefill",
            tokens=tokens,
            window=np.inf,
            heads_count=heads,
            group=1.0,
            score_dim=score_dim,
            value_dim=mla.v_head_dim,
            cache_bytes=heads * (score_dim + mla.v_head_dim) * ACTIVATION_BYTES,
            activation_bytes_per_token=2.0 * heads * (score_dim + mla.v_head_dim) * ACTIVATION_BYTES,
        ),
    )


def _absorbed_decode(layout: RankLayout, tokens: StepTokens, mla: MlaSpec) -> tuple[KernelColumn, ...]:
    """Decoding: queries move into the latent space, attend there, and the result moves out again."""
    heads, storage, math = layout.heads_count, layout.layer_dtype, layout.layer_math

    def absorb(name: str, n: float, k: float) -> tuple[KernelColumn, ...]:
        return gemm(
            name, m=tokens.decode_queries, n=n, k=k, groups_count=heads, storage=storage, math=math, prefill_share=0.0
        )

    return (
        *absorb("q_absorb_gemm", mla.kv_lora_rank, mla.qk_nope_head_dim),
        decode_attention(
            "attention_decode",
            tokens=tokens,
            window=np.inf,
            heads_count=heads,
            items_per_sequence=1,
            score_dim=mla.kv_lora_rank + mla.qk_rope_head_dim,
            value_dim=mla.kv_lora_rank,
            cache_bytes=layout.kv_token_bytes,
        ),
        *absorb("v_absorb_gemm", mla.v_head_dim, mla.kv_lora_rank),
    )


def prefill_attention(
    name: str,
    *,
    tokens: StepTokens,
    window: float,
    heads_count: int,
    group: float,
    score_dim: int,
    value_dim: int,
    cache_bytes: float,
    activation_bytes_per_token: float,
) -> KernelColumn:
    """Causal attention of a prompt chunk to its context and itself; the chunk counts as one sequence.

    m is the chunk, n the keys that its last query sees, k the score width; one work item per head. The query heads of
    one KV head (`group`) may share the tiles of a short chunk.
    """
    pairs = causal_pairs(tokens.prefill, tokens.context, window)
    return KernelColumn(
        name=name,
        family=KernelFamily.ATTENTION_PREFILL,
        runs=tokens.prefill > 0.0,
        m=tokens.prefill,
        n=np.minimum(tokens.context + tokens.prefill, window),
        k=float(score_dim),
        groups_count=group,
        parallel_count=float(heads_count),
        work_flop=2.0 * heads_count * pairs * (score_dim + value_dim),
        vector_flop=SOFTMAX_FLOP * heads_count * pairs,
        exponent_count=heads_count * pairs,
        weight_bytes=np.minimum(tokens.context, window) * cache_bytes,
        activation_bytes=tokens.prefill * activation_bytes_per_token,
        prefill_share=1.0,
    )


def causal_pairs(
    queries: Float[np.ndarray, "states"], context: Float[np.ndarray, "states"], window: float
) -> Float[np.ndarray, "states"]:
    """Query-key pairs of a causal chunk: the sum over i = 1..queries of min(context + i, window)."""
    growing = np.clip(window - context, 0.0, queries)
    full = np.where(queries > growing, (queries - growing) * (window if np.isfinite(window) else 0.0), 0.0)
    return growing * context + growing * (growing + 1.0) / 2.0 + full


def decode_attention(
    name: str,
    *,
    tokens: StepTokens,
    window: float,
    heads_count: int,
    items_per_sequence: int,
    score_dim: int,
    value_dim: int,
    cache_bytes: float,
) -> KernelColumn:
    """Attention of the new tokens of each sequence to its cache; lengths enter by their mean.

    m is the query heads, of all new tokens, that share one read of the cache, n the mean context, k the score width;
    one work item per sequence and KV head. That a later token also sees the earlier ones is left out.
    """
    kv = np.minimum(tokens.decode_kv, window * tokens.decode) if np.isfinite(window) else tokens.decode_kv
    queries = tokens.queries_per_sequence
    pairs = queries * kv
    return KernelColumn(
        name=name,
        family=KernelFamily.ATTENTION_DECODE,
        runs=(tokens.decode > 0.0) & (kv > 0.0),
        m=queries * heads_count / items_per_sequence,
        n=kv / np.maximum(tokens.decode, 1.0),
        k=float(score_dim),
        parallel_count=tokens.decode * items_per_sequence,
        work_flop=2.0 * heads_count * pairs * (score_dim + value_dim),
        vector_flop=SOFTMAX_FLOP * heads_count * pairs,
        exponent_count=heads_count * pairs,
        weight_bytes=kv * cache_bytes,
        activation_bytes=tokens.decode_queries * heads_count * (score_dim + value_dim) * ACTIVATION_BYTES,
    )


def rotary(tokens: StepTokens, width: float) -> KernelColumn:
    """Rotary position embedding of `width` query and key elements per token."""
    return vector(
        "rotary",
        rows=tokens.total,
        bytes_per_row=2.0 * width * ACTIVATION_BYTES,
        flop_per_row=ROTARY_FLOP * width,
        prefill_share=tokens.prefill_share,
    )


def kv_write(layout: RankLayout, tokens: StepTokens) -> KernelColumn:
    """New keys and values converted to the cache format and stored in their pages."""
    elements = layout.kv_token_bytes / STORAGE_BYTES[layout.deployment.kv_dtype]
    return vector(
        "kv_write",
        rows=tokens.total,
        bytes_per_row=layout.kv_token_bytes + elements * ACTIVATION_BYTES,
        flop_per_row=2.0 * elements,
        prefill_share=tokens.prefill_share,
        family=KernelFamily.KV_WRITE,
    )


def norm(name: str, tokens: StepTokens, width: float, *, residual: bool = True) -> KernelColumn:
    """RMS norm, fused with the residual add (reads input and residual, writes both) unless told otherwise."""
    return vector(
        name,
        rows=tokens.total,
        bytes_per_row=(4.0 if residual else 2.0) * width * ACTIVATION_BYTES,
        flop_per_row=NORM_FLOP * width,
        prefill_share=tokens.prefill_share,
    )
