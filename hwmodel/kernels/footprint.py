"""What one rank must hold in memory: weights, growing KV cache, and state of constant size."""

from hwmodel.catalog.llm import STORAGE_BYTES, Deployment, LlmSpec
from hwmodel.kernels.layout import RankLayout, rank_layout
from hwmodel.kernels.linear_attention import convolution_state_bytes, state_bytes


def weight_bytes_per_rank(llm: LlmSpec, deployment: Deployment) -> float:
    """Bytes of weights on one rank, embeddings and head included; norms and biases are left out."""
    layout = rank_layout(llm, deployment)
    tables = 1 if llm.tied_embeddings else 2
    embedding = tables * layout.vocab * llm.hidden * STORAGE_BYTES[layout.other_dtype]
    attention = _attention_elements(layout) * STORAGE_BYTES[layout.layer_dtype]
    return embedding + attention + _feed_forward_bytes(layout)


def kv_bytes_per_token(llm: LlmSpec, deployment: Deployment) -> float:
    """KV bytes that one more token of context takes on one rank; MLA's latent is held by every rank of a group.

    Where attention is divided by data, the mean over the ranks: sequences are shared evenly among the groups.
    """
    return llm.full_layers_count * rank_layout(llm, deployment).kv_token_bytes / deployment.attention_dp_count


def sequence_state_bytes(llm: LlmSpec, deployment: Deployment) -> float:
    """Bytes per sequence that do not grow with context on one rank: full windows and recurrent states.

    Where attention is divided by data, the mean over the ranks.
    """
    layout = rank_layout(llm, deployment)
    state = llm.sliding_layers_count * layout.kv_token_bytes * (llm.sliding_window_tokens or 0)
    if llm.linear is not None:
        recurrent = state_bytes(layout, llm.linear) + convolution_state_bytes(layout, llm.linear)
        state += llm.linear_layers_count * recurrent
    return state / deployment.attention_dp_count


def _attention_elements(layout: RankLayout) -> float:
    """Weights of all attention layers on one rank."""
    llm, heads, hidden = layout.llm, layout.heads_count, layout.llm.hidden
    if llm.mla is None:
        softmax = hidden * layout.head_dim * (2 * heads + 2 * layout.kv_heads_count)
    else:
        mla = llm.mla
        down = hidden * (mla.q_lora_rank + mla.kv_lora_rank + mla.qk_rope_head_dim)
        up = heads * (mla.q_lora_rank * layout.head_dim + mla.kv_lora_rank * (mla.qk_nope_head_dim + mla.v_head_dim))
        softmax = down + up + heads * mla.v_head_dim * hidden
    elements = float((llm.full_layers_count + llm.sliding_layers_count) * softmax)
    if llm.linear is None:
        return elements
    spec = llm.linear
    width = 2 * spec.k_heads_count * spec.k_dim + 3 * spec.v_heads_count * spec.v_dim + 2 * spec.v_heads_count
    return elements + llm.linear_layers_count * hidden * width / layout.deployment.attention_tp_count


def _feed_forward_bytes(layout: RankLayout) -> float:
    """Weights of all feed-forward parts on one rank."""
    llm, moe = layout.llm, layout.llm.moe
    dense = 3.0 * llm.hidden * layout.intermediate * STORAGE_BYTES[layout.layer_dtype]
    if moe is None:
        return llm.layers_count * dense
    routed = moe.experts_count * moe.expert_intermediate / layout.deployment.tp_count
    shared = moe.shared_experts_count * moe.shared_intermediate / layout.deployment.attention_tp_count
    experts = 3.0 * llm.hidden * (routed + shared) * STORAGE_BYTES[layout.bulk_dtype]
    router = llm.hidden * moe.experts_count * STORAGE_BYTES[layout.other_dtype]
    mixtures_count = llm.layers_count - moe.first_dense_layers_count
    return moe.first_dense_layers_count * dense + mixtures_count * (experts + router)
