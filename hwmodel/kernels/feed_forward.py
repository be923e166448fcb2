"""Kernels of the feed-forward part of one layer: dense, or a mixture of experts."""

import numpy as np
from jaxtyping import Float

from hwmodel.catalog.llm import Dtype, MoeSpec
from hwmodel.kernels.columns import KernelColumn
from hwmodel.kernels.layout import ACTIVATION_BYTES, RankLayout
from hwmodel.kernels.operators import collective, gemm, vector
from hwmodel.kernels.spread import spread_log, uniform_moment
from hwmodel.kernels.step import StepTokens
from warehouse.contracts.vocabulary import KernelFamily

GATE_FLOP = 5.0
"""Vector operations per output of a gated activation beside its exponential (assumed)."""
TOPK_FLOP = 8.0
"""Vector operations per router score of softmax and top-k selection (assumed)."""


def dense_feed_forward(layout: RankLayout, tokens: StepTokens) -> tuple[KernelColumn, ...]:
    """Gate and up product, activation, down product, and the all-reduce behind them."""
    matrices = gated_mlp(
        "mlp", layout, tokens, width=layout.intermediate, storage=layout.layer_dtype, math=layout.layer_math
    )
    return (*matrices, *ffn_all_reduce(layout, tokens))


def gated_mlp(
    prefix: str, layout: RankLayout, tokens: StepTokens, *, width: int, storage: Dtype, math: Dtype
) -> tuple[KernelColumn, ...]:
    """Gate and up product in one, gated activation, down product."""
    hidden, share, rows = layout.llm.hidden, tokens.prefill_share, tokens.total
    up = gemm(f"{prefix}_gate_up_gemm", m=rows, n=2 * width, k=hidden, storage=storage, math=math, prefill_share=share)
    down = gemm(f"{prefix}_down_gemm", m=rows, n=hidden, k=width, storage=storage, math=math, prefill_share=share)
    return (*up, activation(f"{prefix}_activation", rows, width, share), *down)


def mixture_feed_forward(
    layout: RankLayout, tokens: StepTokens, every: StepTokens, moe: MoeSpec
) -> tuple[KernelColumn, ...]:
    """Router, dispatch, grouped expert products, combine, shared experts, and the collectives between them.

    With experts divided over all ranks (ep = tp) and none shared, the combining all-to-all leaves nothing to
    reduce; in every other layout the partial sums need an all-reduce.

    Args:
        layout: The rank.
        tokens: Of the rank's group.
        every: Of all groups, whose tokens meet at the experts.
        moe: The mixture.
    """
    hidden, share, rows = layout.llm.hidden, tokens.prefill_share, tokens.total
    storage, math = layout.other_dtype, layout.other_math
    shared = moe.shared_experts_count > 0
    width = -(-moe.shared_experts_count * moe.shared_intermediate // layout.deployment.attention_tp_count)
    shared_experts = (
        gated_mlp("shared_expert", layout, tokens, width=width, storage=layout.bulk_dtype, math=layout.bulk_math)
        if shared
        else ()
    )
    reduces = shared or layout.expert_ranks_count > 1
    return (
        *gemm("router_gemm", m=rows, n=moe.experts_count, k=hidden, storage=storage, math=math, prefill_share=share),
        vector(
            "router_topk",
            rows=rows,
            bytes_per_row=moe.experts_count * ACTIVATION_BYTES + moe.topk_count * 8.0,
            flop_per_row=moe.experts_count * TOPK_FLOP,
            exponents_per_row=float(moe.experts_count),
            prefill_share=share,
        ),
        *_all_to_all("expert_dispatch_all_to_all", layout, every, moe),
        *_routed_experts(layout, every, moe),
        *_all_to_all("expert_combine_all_to_all", layout, every, moe),
        *shared_experts,
        *(ffn_all_reduce(layout, tokens) if reduces else ()),
    )


def _routed_experts(layout: RankLayout, tokens: StepTokens, moe: MoeSpec) -> tuple[KernelColumn, ...]:
    """Grouped products of this rank's active experts, with rows gathered before and summed after them.

    Tokens take experts with equal probability: some get more than others by chance, and no rank more than its share.
    """
    hidden, share = layout.llm.hidden, tokens.prefill_share
    width = -(-moe.expert_intermediate // layout.expert_ranks_count)
    active = active_experts(moe, tokens.total) / layout.deployment.ep_count
    routed = tokens.total * moe.topk_count / layout.deployment.ep_count
    rows_per_expert = routed / np.maximum(active, 1e-300)
    spread = spread_log(uniform_moment(tokens.total, moe.topk_count / moe.experts_count))

    def grouped(name: str, n: int, k: int) -> tuple[KernelColumn, ...]:
        return gemm(
            name,
            m=rows_per_expert,
            n=n,
            k=k,
            groups_count=active,
            spread_log=spread,
            storage=layout.bulk_dtype,
            math=layout.bulk_math,
            prefill_share=share,
            family=KernelFamily.MOE_GEMM,
        )

    moved = 2.0 * hidden * ACTIVATION_BYTES
    return (
        vector("expert_gather", rows=routed, bytes_per_row=moved, flop_per_row=0.0, prefill_share=share),
        *grouped("expert_gate_up_gemm", 2 * width, hidden),
        activation("expert_activation", routed, width, share),
        *grouped("expert_down_gemm", hidden, width),
        vector("expert_sum", rows=routed, bytes_per_row=moved, flop_per_row=2.0 * hidden, prefill_share=share),
    )


def active_experts(moe: MoeSpec, tokens: Float[np.ndarray, "states"]) -> Float[np.ndarray, "states"]:
    """Experts expected to receive at least one token under uniform routing: E (1 - (1 - k/E)^tokens)."""
    share = moe.topk_count / moe.experts_count
    return moe.experts_count * -np.expm1(tokens * np.log1p(-share)) if share < 1.0 else moe.experts_count * (tokens > 0)


def _all_to_all(name: str, layout: RankLayout, tokens: StepTokens, moe: MoeSpec) -> tuple[KernelColumn, ...]:
    """Rows sent to the ranks of their experts; each rank sends for its share of the tokens."""
    rows = tokens.total * moe.topk_count / layout.deployment.ep_count
    return collective(
        name,
        message_bytes=rows * layout.llm.hidden * ACTIVATION_BYTES,
        ranks_count=layout.deployment.ep_count,
        prefill_share=tokens.prefill_share,
    )


def ffn_all_reduce(layout: RankLayout, tokens: StepTokens) -> tuple[KernelColumn, ...]:
    """Sum of the ranks' partial results behind the feed-forward part."""
    return collective(
        "ffn_all_reduce",
        message_bytes=tokens.total * layout.llm.hidden * ACTIVATION_BYTES,
        ranks_count=layout.deployment.attention_tp_count,
        prefill_share=tokens.prefill_share,
    )


def activation(
    name: str, rows: Float[np.ndarray, "states"], width: int, prefill_share: Float[np.ndarray, "states"]
) -> KernelColumn:
    """Gated activation (SwiGLU): reads gate and up, writes their product."""
    return vector(
        name,
        rows=rows,
        bytes_per_row=3.0 * width * ACTIVATION_BYTES,
        flop_per_row=GATE_FLOP * width,
        exponents_per_row=float(width),
        prefill_share=prefill_share,
    )
