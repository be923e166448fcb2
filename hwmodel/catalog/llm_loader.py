"""Reading the LLM architectures of the data file."""

from collections.abc import Mapping
from typing import Any

from hwmodel.catalog.llm import Dtype, LinearAttentionSpec, LlmSpec, MlaSpec, MoeSpec
from hwmodel.catalog.llm_entry import LlmEntry

WEIGHT_DTYPES: dict[str | None, Dtype] = {"mxfp4": "fp4", "fp8": "fp8", "compressed-tensors": "fp4", None: "bf16"}
"""Storage class of a checkpoint's bulk by its quantisation key.

`compressed-tensors` stands for int4 experts with group scales: same bytes as fp4, so the same class. None is bf16.
"""


def read_llms(content: Mapping[str, Any]) -> dict[str, LlmEntry]:
    """LLMs in file order; those whose kernels cannot be told carry no spec."""
    return {entry["id"]: _entry(entry) for entry in content["llms"]}


def _entry(raw: Mapping[str, Any]) -> LlmEntry:
    return LlmEntry(
        id=raw["id"],
        stands_for=raw["stands_for"],
        kind=raw["kind"],
        source=raw["source"],
        spec=None if raw["refused"] else _spec(raw),
        refused=raw["refused"],
        caveat=raw["caveat"],
        derived={key: float(value) for key, value in (raw["derived"] or {}).items()},
        published_params=raw["published_params"],
    )


def _spec(raw: Mapping[str, Any]) -> LlmSpec:
    by_kind = raw["attn_layers"]
    return LlmSpec(
        id=raw["id"],
        stands_for=raw["stands_for"],
        kind=raw["kind"],
        source=raw["source"],
        hidden=raw["hidden"],
        layers_count=raw["layers"],
        full_layers_count=by_kind.get("full", 0),
        sliding_layers_count=by_kind.get("sliding", 0),
        linear_layers_count=by_kind.get("linear", 0),
        heads_count=raw["heads"],
        kv_heads_count=raw["kv_heads"],
        head_dim=raw["head_dim"],
        intermediate=raw["intermediate"],
        moe=_moe(raw["moe"]),
        mla=MlaSpec(**raw["mla"]) if raw["mla"] else None,
        linear=_linear(raw["linear_attn"]),
        sliding_window_tokens=raw["sliding_window"],
        vocab=raw["vocab"],
        context_tokens=raw["context"],
        tied_embeddings=raw["tied_embeddings"],
        weight_dtype=WEIGHT_DTYPES[raw["checkpoint_quant"]],
        total_parameters=raw["derived"]["total_params_b"] * 1e9,
        active_parameters=raw["derived"]["active_params_b"] * 1e9,
    )


def _moe(raw: Mapping[str, Any] | None) -> MoeSpec | None:
    if raw is None:
        return None
    return MoeSpec(
        experts_count=raw["experts"],
        topk_count=raw["topk"],
        expert_intermediate=raw["expert_intermediate"],
        shared_experts_count=raw["shared_experts"],
        shared_intermediate=raw["shared_intermediate"],
        first_dense_layers_count=raw["first_dense_layers"],
    )


def _linear(raw: Mapping[str, Any] | None) -> LinearAttentionSpec | None:
    if raw is None:
        return None
    return LinearAttentionSpec(
        k_heads_count=raw["k_heads"],
        v_heads_count=raw["v_heads"],
        k_dim=raw["k_dim"],
        v_dim=raw["v_dim"],
        conv_kernel=raw["conv_kernel"],
    )
