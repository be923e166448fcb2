"""The architecture of a served LLM: what its kernels are made of, and what it weighs."""

from dataclasses import dataclass
from typing import Literal

from hwmodel.catalog.errors import BadSpec

Dtype = Literal["bf16", "fp8", "fp4", "int8"]
STORAGE_BYTES: dict[str, float] = {"bf16": 2.0, "fp8": 1.0, "int8": 1.0, "fp4": 0.5 + 1.0 / 32.0}
"""Bytes per stored element; fp4 carries one 8-bit scale per 32 elements (OCP microscaling format)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoeSpec:
    """Mixture of experts in the feed-forward part."""

    experts_count: int
    topk_count: int
    expert_intermediate: int
    shared_experts_count: int
    shared_intermediate: int
    first_dense_layers_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MlaSpec:
    """Multi-head latent attention."""

    q_lora_rank: int
    kv_lora_rank: int
    qk_nope_head_dim: int
    qk_rope_head_dim: int
    v_head_dim: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearAttentionSpec:
    """Linear attention layers with a state of constant size (gated DeltaNet)."""

    k_heads_count: int
    v_heads_count: int
    k_dim: int
    v_dim: int
    conv_kernel: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmSpec:
    """A decoder-only LLM. Layer counts by kind of attention add up to `layers_count`."""

    id: str
    stands_for: str
    kind: str
    source: str
    hidden: int
    layers_count: int
    full_layers_count: int
    sliding_layers_count: int
    linear_layers_count: int
    heads_count: int
    kv_heads_count: int | None
    head_dim: int | None
    intermediate: int | None
    moe: MoeSpec | None
    mla: MlaSpec | None
    linear: LinearAttentionSpec | None
    sliding_window_tokens: int | None
    vocab: int
    context_tokens: int
    tied_embeddings: bool
    weight_dtype: Dtype
    """How the bulk of the weights (experts of an MoE, else all layers) is stored."""
    total_parameters: float
    active_parameters: float

    def __post_init__(self) -> None:
        by_kind = self.full_layers_count + self.sliding_layers_count + self.linear_layers_count
        if by_kind != self.layers_count:
            raise BadSpec(f"LLM {self.id}: {by_kind} attention layers by kind, but {self.layers_count} layers")
        if self.mla is None and (self.kv_heads_count is None or self.head_dim is None):
            raise BadSpec(f"LLM {self.id}: needs either MLA ranks or kv_heads and head_dim")

    @property
    def kv_elements_per_token(self) -> float:
        """Cached elements per token over the layers whose cache grows with context."""
        return self.full_layers_count * self._kv_elements_per_layer

    @property
    def kv_elements_sliding(self) -> float:
        """Cached elements per sequence of the sliding-window layers once the window is full."""
        return self.sliding_layers_count * self._kv_elements_per_layer * (self.sliding_window_tokens or 0)

    @property
    def recurrent_state_elements(self) -> float:
        """State elements per sequence of the linear-attention layers."""
        if self.linear is None:
            return 0.0
        return float(self.linear_layers_count * self.linear.v_heads_count * self.linear.k_dim * self.linear.v_dim)

    @property
    def _kv_elements_per_layer(self) -> float:
        if self.mla is not None:
            return float(self.mla.kv_lora_rank + self.mla.qk_rope_head_dim)
        return 2.0 * float(self.kv_heads_count or 0) * float(self.head_dim or 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """How one replica of an LLM is laid out over chips, and in which number formats."""

    tp_count: int
    """Ranks; chips per replica. Tensor-parallel all of them, unless attention is divided by data."""
    ep_count: int = 1
    """Expert-parallel ranks inside the tensor-parallel group: experts are divided over them, the rest over tp_count."""
    attention_dp_count: int = 1
    """Groups of ranks that attend to sequences of their own (data-parallel attention); each holds all weights outside
    the routed experts, tensor-parallel over its ranks, and the cache of its sequences."""
    activation_dtype: Dtype = "bf16"
    """Format in which matrix units multiply."""
    attention_dtype: Dtype = "bf16"
    """Format of weights outside the experts, where the LLM's bulk is narrower."""
    kv_dtype: Dtype = "fp8"

    def __post_init__(self) -> None:
        if self.tp_count < 1 or self.ep_count < 1 or self.tp_count % self.ep_count:
            raise BadSpec(f"deployment tp={self.tp_count} ep={self.ep_count}: both at least 1, ep dividing tp")
        groups = self.attention_dp_count
        if groups < 1 or self.tp_count % groups or (groups > 1 and self.ep_count != self.tp_count):
            raise BadSpec(
                f"deployment tp={self.tp_count} ep={self.ep_count} attention_dp={groups}: at least 1, dividing tp; "
                "above 1 experts are divided over all ranks (ep = tp)"
            )

    @property
    def attention_tp_count(self) -> int:
        """Ranks that share the attention of a sequence."""
        return self.tp_count // self.attention_dp_count
