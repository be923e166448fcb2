"""The guided slot: neighbours of the best design that have more of the resource which its bill names."""

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from hwmodel.catalog import DesignTable
from hwmodel.design.bill_of import bill_of
from hwmodel.design.evaluate import Evaluation
from warehouse.contracts import BindingResource

LEAST_MORE_RATIO = 1.01


def billed_shares(evaluation: Evaluation) -> dict[str, float]:
    """Share of an evaluation's bill by binding resource."""
    hotspots, _ = bill_of(evaluation)
    cost = hotspots.group_by(pl.col("binding_resource").cast(pl.String)).agg(pl.col("cost_usd").sum())
    total = float(cost["cost_usd"].sum())
    return {str(name): float(usd) / total for name, usd in cost.sort("binding_resource").iter_rows()}


def rate_of(  # noqa: PLR0911 - one line per resource
    resource: BindingResource, designs: DesignTable
) -> Float[np.ndarray, "designs"]:
    """What a design has of a resource, in the resource's own unit."""
    match resource:
        case BindingResource.MATRIX:
            return designs.cores_count * designs.matrix_flop_per_clk * designs.clock_hz
        case BindingResource.VECTOR:
            return designs.cores_count * designs.vector_flop_per_clk * designs.clock_hz
        case BindingResource.EXPONENT:
            return designs.cores_count * designs.exponent_per_clk * designs.clock_hz
        case BindingResource.L2:
            return designs.l2_bytes_per_clk * designs.clock_hz
        case BindingResource.HBM:
            return designs.hbm_bytes_per_s
        case BindingResource.LINK:
            return designs.link_bytes_per_s
        case BindingResource.LATENCY:
            return 1.0 / (designs.launch_latency_s + designs.collective_latency_s)


def neighbours(points: Float[np.ndarray, "designs parameters"], row: int) -> Int[np.ndarray, "rows"]:
    """Designs that differ from one in a single parameter."""
    differing = (~np.isclose(points, points[row], rtol=1e-9, atol=0.0)).sum(axis=1)
    return np.flatnonzero(differing == 1)


def relieving(
    points: Float[np.ndarray, "designs parameters"],
    designs: DesignTable,
    worth: Float[np.ndarray, "designs"],
    *,
    best: int,
    resources: list[BindingResource],
) -> list[int]:
    """Neighbours with more of the dearest resource that any neighbour has more of, those of most worth first."""
    near = neighbours(points, best)
    for resource in resources:
        rate = rate_of(resource, designs.take(np.append(near, best)))
        more = near[rate[:-1] > LEAST_MORE_RATIO * rate[-1]]
        if more.size:
            return more[np.argsort(-worth[more], kind="stable")].tolist()
    return []
