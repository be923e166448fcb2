"""Weights of an LLM counted from its architecture: all of them, and those that one token touches."""

from dataclasses import dataclass

from hwmodel.catalog.llm import LlmSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterCount:
    """Weights of an LLM; norms, biases, prediction modules and sparse-attention indexers are not counted."""

    total: float
    active: float
    """Weights that one token multiplies with; embedding and output head both counted."""


def count_parameters(llm: LlmSpec) -> ParameterCount:
    """Weights by part: attention, SwiGLU feed-forward (3 matrices), routers, embedding and output head."""
    fixed = _attention(llm) + llm.vocab * llm.hidden * (1.0 if llm.tied_embeddings else 2.0)
    swiglu = 3.0 * llm.hidden
    if llm.moe is None:
        dense = llm.layers_count * swiglu * (llm.intermediate or 0)
        return ParameterCount(total=fixed + dense, active=fixed + dense)
    moe = llm.moe
    fixed += moe.first_dense_layers_count * swiglu * (llm.intermediate or 0)
    layers = llm.layers_count - moe.first_dense_layers_count
    shared = moe.shared_experts_count * swiglu * moe.shared_intermediate + moe.experts_count * llm.hidden
    expert = swiglu * moe.expert_intermediate
    return ParameterCount(
        total=fixed + layers * (shared + moe.experts_count * expert),
        active=fixed + layers * (shared + moe.topk_count * expert),
    )


def _attention(llm: LlmSpec) -> float:
    softmax_layers = llm.full_layers_count + llm.sliding_layers_count
    per_layer = _latent_attention(llm) if llm.mla is not None else _grouped_attention(llm)
    return softmax_layers * per_layer + llm.linear_layers_count * _linear_attention(llm)


def _grouped_attention(llm: LlmSpec) -> float:
    head_dim, kv_heads = float(llm.head_dim or 0), float(llm.kv_heads_count or 0)
    gate = 1.0 if llm.linear is not None else 0.0  # the hybrids gate the attention output, as wide as the queries
    return llm.hidden * head_dim * ((2.0 + gate) * llm.heads_count + 2.0 * kv_heads)


def _latent_attention(llm: LlmSpec) -> float:
    if llm.mla is None:
        return 0.0
    mla, heads = llm.mla, float(llm.heads_count)
    query = llm.hidden * mla.q_lora_rank + mla.q_lora_rank * heads * (mla.qk_nope_head_dim + mla.qk_rope_head_dim)
    key_value = float(llm.hidden) * (mla.kv_lora_rank + mla.qk_rope_head_dim)
    key_value += mla.kv_lora_rank * heads * (mla.qk_nope_head_dim + mla.v_head_dim)
    return query + key_value + heads * mla.v_head_dim * llm.hidden


def _linear_attention(llm: LlmSpec) -> float:
    if llm.linear is None:
        return 0.0
    lin = llm.linear
    keys, values = float(lin.k_heads_count * lin.k_dim), float(lin.v_heads_count * lin.v_dim)
    projections = llm.hidden * (2.0 * keys + 2.0 * values + 2.0 * lin.v_heads_count) + values * llm.hidden
    return projections + lin.conv_kernel * (2.0 * keys + values)
