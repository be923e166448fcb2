"""What one rank of a deployment holds of an LLM: its heads, widths, experts, and the formats they are in."""

import math
from dataclasses import dataclass

from hwmodel.catalog.llm import STORAGE_BYTES, Deployment, Dtype, LlmSpec
from hwmodel.kernels.errors import BadDeployment

ACTIVATION_BYTES = 2.0
"""Bytes of an activation between kernels: bf16 in every public serving stack (published: vLLM, TensorRT-LLM)."""
RECURRENT_STATE_BYTES = 4.0
"""Bytes per element of a recurrent state: kept in fp32 (assumed; SGLang's default for linear attention)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RankLayout:
    """One rank's share of an LLM. Fractions of heads are rounded up: a rank then computes padding."""

    llm: LlmSpec
    deployment: Deployment
    heads_count: int
    """So this and what follows: the share of one rank in its group."""
    kv_heads_count: int
    """KV heads that the rank stores; replicated where there are more ranks than KV heads. 1 with MLA."""
    head_dim: int
    intermediate: int
    vocab: int
    bulk_dtype: Dtype
    """Storage of the bulk: experts of an MoE, else the layers' matrices."""
    other_dtype: Dtype
    """Storage of the rest: embeddings, head, and beside an MoE's experts all other matrices."""

    @property
    def layer_dtype(self) -> Dtype:
        """Storage of attention and dense feed-forward matrices."""
        return self.bulk_dtype if self.llm.moe is None else self.other_dtype

    @property
    def bulk_math(self) -> Dtype:
        """Format in which the bulk multiplies."""
        return self.deployment.activation_dtype

    @property
    def other_math(self) -> Dtype:
        """Format in which the rest multiplies: activations, or the weights where those are wider."""
        return _wider(self.deployment.activation_dtype, self.other_dtype)

    @property
    def layer_math(self) -> Dtype:
        """Format in which attention and dense feed-forward matrices multiply."""
        return self.bulk_math if self.llm.moe is None else self.other_math

    @property
    def expert_ranks_count(self) -> int:
        """Ranks over which one expert's width is divided."""
        return self.deployment.tp_count // self.deployment.ep_count

    @property
    def kv_token_bytes(self) -> float:
        """KV bytes of one token in one attention layer on this rank."""
        mla = self.llm.mla
        elements = 2 * self.kv_heads_count * self.head_dim if mla is None else mla.kv_lora_rank + mla.qk_rope_head_dim
        return elements * STORAGE_BYTES[self.deployment.kv_dtype]


def rank_layout(llm: LlmSpec, deployment: Deployment) -> RankLayout:
    """Divide an LLM over the ranks of a deployment.

    Raises:
        BadDeployment: Attention is divided by data in an LLM without experts.
    """
    if deployment.attention_dp_count > 1 and llm.moe is None:
        raise BadDeployment(
            f"{llm.id} has no experts: attention divided by data would be {deployment.attention_dp_count} replicas of "
            f"{deployment.attention_tp_count} ranks; lay these out instead"
        )
    tp_count = deployment.attention_tp_count
    kv_heads = 1 if llm.mla is not None else _share(llm.kv_heads_count or 1, tp_count)
    head_dim = llm.head_dim if llm.mla is None else llm.mla.qk_nope_head_dim + llm.mla.qk_rope_head_dim
    other = _wider(llm.weight_dtype, deployment.attention_dtype) if llm.weight_dtype != "bf16" else llm.weight_dtype
    return RankLayout(
        llm=llm,
        deployment=deployment,
        heads_count=_share(llm.heads_count, tp_count),
        kv_heads_count=kv_heads,
        head_dim=head_dim or 0,
        intermediate=_share(llm.intermediate or 0, tp_count),
        vocab=_share(llm.vocab, tp_count),
        bulk_dtype=llm.weight_dtype,
        other_dtype=other,
    )


def _share(whole: int, ranks_count: int) -> int:
    return math.ceil(whole / ranks_count)


def _wider(first: Dtype, second: Dtype) -> Dtype:
    """The format with more bytes per element; the first where they are equal."""
    return first if STORAGE_BYTES[first] >= STORAGE_BYTES[second] else second
