"""What each change of a finalist is worth and why, as the small frames that the report takes, with their sentences."""

from collections.abc import Sequence

import polars as pl

from hwmodel.design import DesignSpace
from hwmodel.design.explain import Ablation, Elasticity, Justification
from pipelines.exploration.explaining.reasons import RESOURCE_WORDS

HEAD = {"rank": pl.Int64, "title": pl.String}
PARTS_SCHEMA = HEAD | {
    "parameter": pl.String,
    "change": pl.String,
    **dict.fromkeys(
        (
            "alone_ratio",
            "alone_replayed_ratio",
            "lost_ratio",
            "lost_replayed_ratio",
            "shapley_ratio",
            "whole_ratio",
            "whole_replayed_ratio",
        ),
        pl.Float64,
    ),
}
JUSTIFIED_SCHEMA = HEAD | {
    "change": pl.String,
    "resources": pl.String,
    "before_ratio": pl.Float64,
    "after_ratio": pl.Float64,
    "is_justified": pl.Boolean,
    "words": pl.String,
}
ELASTICITY_SCHEMA = {
    **dict.fromkeys(("scenario", "at", "parameter", "label", "side"), pl.String),
    **dict.fromkeys(("before", "after", "gain_ratio", "elasticity", "low", "high"), pl.Float64),
    "is_feasible": pl.Boolean,
}
BILL_SCHEMA = HEAD | {
    "dimension": pl.String,
    "name": pl.String,
    **dict.fromkeys(
        ("baseline_time_ratio", "design_time_ratio", "baseline_cost_ratio", "design_cost_ratio"), pl.Float64
    ),
}


def parts_frame(space: DesignSpace, found: Sequence[tuple[int, str, Ablation]]) -> pl.DataFrame:
    """One row per change of a finalist."""
    rows = [
        {
            "rank": rank,
            "title": title,
            "parameter": " and ".join(part.parameters),
            "change": " and ".join(label_of(space, name) for name in part.parameters),
            "alone_ratio": part.alone_ratio,
            "alone_replayed_ratio": part.alone_replayed_ratio,
            "lost_ratio": part.lost_ratio,
            "lost_replayed_ratio": part.lost_replayed_ratio,
            "shapley_ratio": part.shapley_ratio,
            "whole_ratio": whole.gain_ratio,
            "whole_replayed_ratio": whole.gain_replayed_ratio,
        }
        for rank, title, whole in found
        for part in whole.parts
    ]
    return pl.DataFrame(rows, schema=PARTS_SCHEMA)


def justified_frame(space: DesignSpace, found: Sequence[tuple[int, str, Sequence[Justification]]]) -> pl.DataFrame:
    """One row per change, with its sentence."""
    rows = [
        {
            "rank": rank,
            "title": title,
            "change": label_of(space, one.parameter),
            "resources": ", ".join(RESOURCE_WORDS[name] for name in one.resources),
            "before_ratio": one.before_ratio,
            "after_ratio": one.after_ratio,
            "is_justified": one.is_justified,
            "words": justified_words(label_of(space, one.parameter), one),
        }
        for rank, title, each in found
        for one in each
    ]
    return pl.DataFrame(rows, schema=JUSTIFIED_SCHEMA)


def justified_words(label: str, one: Justification) -> str:
    """Whether the limiter that a change moves carries time, in a sentence."""
    names = " and ".join(RESOURCE_WORDS[name] for name in one.resources)
    carried = f"{names} binds {one.before_ratio:.0%} of the busy time before and {one.after_ratio:.0%} after"
    return {
        "relieves": f"{label} is justified by its limiter: {carried}.",
        "idle": f"{label} is not justified by its limiter: {carried}, so its gain must come from elsewhere.",
        "room": f"{label} is justified by the room that it gives to contexts, not by its rate: {carried}.",
        "slims": f"{label} saves what is not the limiter: {carried}.",
        "starves": f"{label} takes from what becomes the limiter: {carried}.",
        "unknown": f"{label} moves no resource that the bill tells apart.",
    }[one.reason]


def bill_frame(found: Sequence[tuple[int, str, pl.DataFrame]]) -> pl.DataFrame:
    """The bills of all finalists under each other."""
    parts = [
        frame.select(pl.lit(rank).alias("rank"), pl.lit(title).alias("title"), pl.all()) for rank, title, frame in found
    ]
    return pl.concat([pl.DataFrame(schema=BILL_SCHEMA), *(part.cast(BILL_SCHEMA) for part in parts)])  # type: ignore[arg-type]


def elasticities_frame(space: DesignSpace, found: Sequence[tuple[str, str, Sequence[Elasticity]]]) -> pl.DataFrame:
    """One row per scenario, design, parameter and side."""
    scale = {p.name: p.shown_per_si for p in space.parameters}
    rows = [
        {
            "scenario": scenario,
            "at": at,
            "parameter": one.parameter,
            "label": label_of(space, one.parameter),
            "side": one.side,
            "before": one.before * scale[one.parameter],
            "after": one.after * scale[one.parameter],
            "gain_ratio": one.gain_ratio,
            "elasticity": one.elasticity,
            "low": one.low,
            "high": one.high,
            "is_feasible": one.is_feasible,
        }
        for scenario, at, each in found
        for one in each
    ]
    return pl.DataFrame(rows, schema=ELASTICITY_SCHEMA)


def label_of(space: DesignSpace, parameter: str) -> str:
    """What a screen calls a parameter."""
    return {p.name: p.label for p in space.parameters}[parameter]
