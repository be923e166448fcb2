"""Where the bill moves: before and after by kernel family, binding resource and surface, and what that justifies."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import polars as pl

from hwmodel.design.evaluate import Evaluation
from hwmodel.design.space import relieves

DIMENSIONS = ("family", "binding_resource", "surface")
CARRIES_RATIO = 0.05
"""Share of busy time from which a limiter counts as one. Assumed: by Amdahl's law, relieving less buys at most 5 %."""
RELIEVES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "cores_count": ("matrix", "vector", "exponent", "l2"),
        "matrix_flop_per_clk": ("matrix",),
        "fp8_rate_ratio": ("matrix",),
        "fp4_rate_ratio": ("matrix",),
        "overlap_exponent": ("matrix", "hbm"),
        "vector_flop_per_clk": ("vector",),
        "exponent_per_clk": ("exponent",),
        "clock_hz": ("matrix", "vector", "exponent", "l2"),
        "smem_bytes": ("l2", "hbm"),
        "l2_bytes": ("hbm", "l2"),
        "l2_rate_ratio": ("l2",),
        "hbm_stacks_count": ("hbm",),
        "hbm_generation": ("hbm",),
        "hbm_speed_ratio": ("hbm",),
        "hbm_extra_dies_count": ("hbm",),
        "link_bytes_per_s": ("link",),
        "fabric": ("link", "latency"),
        "launch_latency_s": ("latency",),
        "collective_latency_s": ("latency",),
        "dies_count": ("matrix", "vector", "exponent", "l2"),
    }
)
"""Binding resources that more of a parameter relieves."""
ROOM = frozenset({"hbm_stacks_count", "hbm_generation", "hbm_extra_dies_count"})
"""Parameters that also give room for contexts, which no kernel's time shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Justification:
    """One change and the limiter that it moves."""

    parameter: str
    resources: tuple[str, ...]
    gives: bool
    """Whether there is more of the resources after the change."""
    before_ratio: float
    """Share of the baseline's busy time that these resources bind."""
    after_ratio: float
    """The same of the design's."""
    is_justified: bool
    reason: str
    """A key of the sentence: `relieves`, `idle`, `room`, `slims`, `starves`, `unknown`."""


def bill_by_dimension(
    baseline: Evaluation, before: pl.DataFrame, evaluation: Evaluation, after: pl.DataFrame
) -> pl.DataFrame:
    """The two bills along each of `DIMENSIONS`.

    Args:
        baseline: Whose bill is the first.
        before: Contract `KernelHotspots`.
        evaluation: Whose bill is the second.
        after: Contract `KernelHotspots`.

    Returns:
        Columns: dimension, name, baseline_time_ratio and design_time_ratio (shares of each one's busy time),
        baseline_cost_ratio and design_cost_ratio (cost per unit of value over the baseline's whole bill; the design's
        add up to its own bill over the baseline's).
    """
    whole = float(before["cost_usd"].sum()) / baseline.value_usd_per_h
    parts = []
    for dimension in DIMENSIONS:
        sides = [
            frame.group_by(pl.col(dimension).cast(pl.String).alias("name")).agg(
                (pl.col("time_s").sum() / frame["time_s"].sum()).alias(f"{side}_time_ratio"),
                (pl.col("cost_usd").sum() / (e.value_usd_per_h * whole)).alias(f"{side}_cost_ratio"),
            )
            for side, frame, e in (("baseline", before, baseline), ("design", after, evaluation))
        ]
        joined = sides[0].join(sides[1], on="name", how="full", coalesce=True).fill_null(0.0)
        parts.append(joined.select(pl.lit(dimension).alias("dimension"), pl.all()))
    columns = ["dimension", "name"]
    columns += [f"{side}_{measure}_ratio" for measure in ("time", "cost") for side in ("baseline", "design")]
    return (
        pl.concat(parts)
        .select(columns)
        .sort("dimension", "baseline_cost_ratio", "name", descending=[False, True, False])
    )


def justifications(changes: Mapping[str, tuple[float, float]], bill: pl.DataFrame) -> tuple[Justification, ...]:
    """Does the limiter that each change relieves carry time?

    Args:
        changes: Before and after by parameter.
        bill: From `bill_by_dimension`.
    """
    resources = bill.filter(dimension="binding_resource")
    before = dict(resources.select("name", "baseline_time_ratio").iter_rows())
    after = dict(resources.select("name", "design_time_ratio").iter_rows())
    return tuple(_justified(name, *values, before, after) for name, values in changes.items())


def _justified(
    parameter: str, one: float, other: float, before: Mapping[str, float], after: Mapping[str, float]
) -> Justification:
    touched = RELIEVES.get(parameter, ())
    gives = relieves(parameter, one, other)
    carried, carries = (sum(side.get(name, 0.0) for name in touched) for side in (before, after))
    reason = _reason(parameter, touched, gives=gives, carried=carried, after=after)
    return Justification(
        parameter=parameter,
        resources=touched,
        gives=gives,
        before_ratio=carried,
        after_ratio=carries,
        is_justified=reason in {"relieves", "room", "slims"},
        reason=reason,
    )


def _reason(
    parameter: str, touched: tuple[str, ...], *, gives: bool, carried: float, after: Mapping[str, float]
) -> str:
    """Which sentence is true of the change."""
    if not touched:
        return "unknown"
    if gives:
        if carried >= CARRIES_RATIO:
            return "relieves"
        return "room" if parameter in ROOM else "idle"
    largest = max(after, key=lambda name: after[name], default="")
    return "starves" if largest in touched else "slims"
