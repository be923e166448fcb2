"""A pool: the demand of one served LLM, as the search sees it, with what it is owed and what it is worth."""

from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float

from hwmodel.catalog import Deployment, LlmSpec
from hwmodel.serving import Promises, ReplayDemand, Scheduler
from hwmodel.serving.engine import Speculation

QUANTILES = np.linspace(0.02, 0.98, 25)
RARE_LEVEL_RATIO = 0.05
"""A service level with a smaller share of calls does not set the closed form's batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolLoad:
    """Means of a demand that the closed form needs."""

    calls_per_s: float
    output_tokens: float
    fresh_tokens: float
    """Prompt tokens that no cache can hold."""
    shared_tokens: float
    """Prompt tokens that a cache may hold."""
    context_tokens: float
    """Context of a decoding call, half of its answer included; weighted by answer."""
    prefill_context_tokens: float
    """Cached tokens in front of the prompt tokens that are computed."""
    reuse_gap_s: Float[np.ndarray, "quantiles"]
    """Quantiles of the time between a context's last use and its next; empty without reuse."""
    tpot_limit_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Demand of one LLM on a cell of the fleet.

    The cell serves a part of the traffic: sessions are added (never squeezed) or left out until the baseline needs a
    handful of replicas, and the fleet is the cell times `traffic_ratio`.
    """

    llm: LlmSpec
    demand: ReplayDemand
    promises: Promises
    load: PoolLoad
    window_s: float
    """Time over which the scored calls were offered."""
    traffic_ratio: float
    """Traffic of the whole fleet over the traffic of this cell."""
    scheduler: Scheduler
    unservable_count: int
    """Calls beyond the LLM's context, not in `demand`."""
    widths_count: int = 2
    """Tensor-parallel widths that are tried by replay."""
    guess_ratio: float = 1.2
    """Replayed over closed-form replicas, where the bisection starts."""
    formats: Deployment = field(default_factory=lambda: Deployment(tp_count=1))
    """Number formats of a replica, whatever its width."""
    speculation: Speculation | None = None
    """Drafts by a head of one more layer of the LLM; the replay knows of them, the closed form does not."""

    def at_width(self, tp_count: int) -> Deployment:
        """A replica over so many chips."""
        return replace(self.formats, tp_count=tp_count)

    @property
    def offered_usd_per_h(self) -> float:
        """Value of all scored calls per hour of the whole traffic, were none late and nobody left."""
        demand = self.demand
        worth = (demand.value_usd_per_token * demand.output_tokens * demand.weight_ratio)[demand.is_scored].sum()
        return float(worth) * self.traffic_ratio * 3600.0 / self.window_s


def pool_load(demand: ReplayDemand, window_s: float) -> PoolLoad:
    """Means of the scored calls, each counted as often as its weight says."""
    scored = demand.is_scored
    weight = demand.weight_ratio[scored]
    shared = np.minimum(demand.shared_tokens, demand.input_tokens - 1)[scored]
    fresh = demand.input_tokens[scored] - shared
    output = demand.output_tokens[scored]
    context = demand.input_tokens[scored] + output / 2.0
    is_reuse = scored & (demand.parent >= 0) & (demand.after >= 0)
    return PoolLoad(
        calls_per_s=weight.sum() / window_s,
        output_tokens=float(np.average(output, weights=weight)),
        fresh_tokens=float(np.average(fresh, weights=weight)),
        shared_tokens=float(np.average(shared, weights=weight)),
        context_tokens=float(np.average(context, weights=weight * output)),
        prefill_context_tokens=float(np.average(shared + fresh / 2.0, weights=weight * fresh)),
        reuse_gap_s=weighted_quantiles(demand.gap_ns[is_reuse] / 1e9, demand.weight_ratio[is_reuse]),
        tpot_limit_s=_tightest_tpot_s(demand),
    )


def weighted_quantiles(
    values: Float[np.ndarray, "values"], weight: Float[np.ndarray, "values"]
) -> Float[np.ndarray, "quantiles"]:
    """The levels `QUANTILES` of weighted values, by straight lines between the middles of their weights.

    With equal weights these are numpy's; without values there are none.
    """
    if values.size == 0:
        return np.empty(0)
    order = np.argsort(values, kind="stable")
    middle = np.cumsum(weight[order]) - weight[order] / 2.0
    place = (middle - middle[0]) / max(middle[-1] - middle[0], np.finfo(float).tiny)
    return np.interp(QUANTILES, place, values[order])


def _tightest_tpot_s(demand: ReplayDemand) -> float:
    limits, level = np.unique(demand.tpot_limit_s[demand.is_scored], return_inverse=True)
    counts = np.bincount(level, weights=demand.weight_ratio[demand.is_scored])
    return float(limits[counts >= RARE_LEVEL_RATIO * counts.sum()].min())
