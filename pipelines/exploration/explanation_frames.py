"""The parts of an explanation as the small frames that the report takes, with their sentences."""

from collections.abc import Mapping, Sequence

import polars as pl

from hwmodel.design import Case, DesignSpace, Scenario
from hwmodel.design.explain import (
    Ablation,
    Elasticity,
    EvidenceLine,
    Flip,
    Justification,
    SoftwareGain,
    SoftwareOption,
)
from pipelines.exploration.reasons import RESOURCE_WORDS

HEAD = {"rank": pl.Int64, "title": pl.String}
PARTS_SCHEMA = HEAD | {
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
SCENARIO_SCHEMA = {"scenario": pl.String, "kind": pl.String, "calls": pl.Int64, "reason": pl.String}
FLIP_SCHEMA = {
    "lever": pl.String,
    "rival": pl.String,
    **dict.fromkeys(("low", "high", "threshold", "replayed_ratio"), pl.Float64),
    "confirmed": pl.Boolean,
}
SOFTWARE_SCHEMA = {
    "chip": pl.String,
    "option": pl.String,
    "is_risky": pl.Boolean,
    "closed_form_ratio": pl.Float64,
    "replayed_ratio": pl.Float64,
    "scored": pl.Int64,
    "replayed": pl.Int64,
}
BILL_SCHEMA = HEAD | {
    "dimension": pl.String,
    "name": pl.String,
    **dict.fromkeys(
        ("baseline_time_ratio", "design_time_ratio", "baseline_cost_ratio", "design_cost_ratio"), pl.Float64
    ),
}
GROUNDS_SCHEMA = HEAD | {
    "kind": pl.String,
    "nearest_chip": pl.String,
    **dict.fromkeys(("nearest_distance", "change_distance", "judged_low", "judged_high"), pl.Float64),
    "is_downgraded": pl.Boolean,
    "words": pl.String,
}


def parts_frame(space: DesignSpace, found: Sequence[tuple[int, str, Ablation]]) -> pl.DataFrame:
    """One row per change of a finalist."""
    rows = [
        {
            "rank": rank,
            "title": title,
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


def scenarios_frame(today: Scenario, cases: Sequence[Case], lacking: Mapping[str, str]) -> pl.DataFrame:
    """The scenario set, those left out at its end with their reason."""
    rows: list[dict[str, object]] = [
        {"scenario": case.name, "kind": case.kind.value, "calls": _calls(today, case), "reason": None} for case in cases
    ]
    rows += [{"scenario": name, "kind": "left out", "calls": None, "reason": why} for name, why in lacking.items()]
    return pl.DataFrame(rows, schema=SCENARIO_SCHEMA)


def flips_frame(found: Sequence[Flip]) -> pl.DataFrame:
    """One row per lever and rival, the nearest threshold first."""
    rows = [
        {
            "lever": one.lever,
            "rival": one.rival,
            "low": one.span[0],
            "high": one.span[1],
            "threshold": one.threshold,
            "replayed_ratio": one.replayed_ratio,
            "confirmed": one.is_confirmed,
        }
        for one in found
    ]
    frame = pl.DataFrame(rows, schema=FLIP_SCHEMA)
    return frame.sort(pl.col("threshold").log().abs(), "lever", "rival", nulls_last=True)


def software_frame(found: Sequence[SoftwareGain]) -> pl.DataFrame:
    """One row per chip and risk."""
    rows = [
        {
            "chip": one.chip,
            "option": option_words(one.option),
            "is_risky": one.option.is_risky,
            "closed_form_ratio": one.closed_form_ratio,
            "replayed_ratio": one.replayed_ratio,
            "scored": one.scored_count,
            "replayed": one.replayed_count,
        }
        for one in found
    ]
    return pl.DataFrame(rows, schema=SOFTWARE_SCHEMA)


def option_words(option: SoftwareOption) -> str:
    """Such as `up to 128 sequences, 4096 tokens a step, bf16 products`, and drafts where there are any."""
    law = option.speculation
    drafted = "" if law is None else f", {law.tokens_count} drafts of a head ({law.tokens_per_step:.1f} tokens a step)"
    return (
        f"up to {option.max_sequences_count} sequences, {option.max_batched_tokens} tokens a step, "
        f"{option.activation_dtype} products{drafted}"
    )


def grounds_frame(found: Sequence[tuple[int, str, EvidenceLine]]) -> pl.DataFrame:
    """One row per finalist."""
    rows = [
        {
            "rank": rank,
            "title": title,
            "kind": line.kind,
            "nearest_chip": line.nearest_chip,
            "nearest_distance": line.nearest_distance,
            "change_distance": line.change_distance,
            "judged_low": line.judged[0],
            "judged_high": line.judged[1],
            "is_downgraded": line.is_downgraded,
            "words": evidence_words(line),
        }
        for rank, title, line in found
    ]
    return pl.DataFrame(rows, schema=GROUNDS_SCHEMA)


def evidence_words(line: EvidenceLine) -> str:
    """Kind of evidence, then its ground: distances to what was measured and judged."""
    judged = f"pairs of chips {line.judged[0]:.2f} to {line.judged[1]:.2f} apart"
    ground = {
        "built": f"this is {line.nearest_chip}, whose kernels were measured",
        "near": f"kernels as on {line.nearest_chip}, which was measured; widths judged on {judged}",
        "inside": (
            f"nobody built this chip; {line.nearest_distance:.2f} from {line.nearest_chip}, the nearest measured one, "
            f"and {line.change_distance:.2f} from the baseline; widths judged on {judged}"
        ),
        "beyond": (
            f"downgraded: {line.nearest_distance:.2f} from {line.nearest_chip}, the nearest measured chip, and "
            f"{line.change_distance:.2f} from the baseline, while widths were judged on {judged}"
        ),
        "unjudged": (
            "downgraded: only links, latencies or room change, and no pair of measured chips differs in these alone"
        ),
    }[line.reason]
    return f"{line.kind}: {ground} (links and latencies: assumed widths)"


def label_of(space: DesignSpace, parameter: str) -> str:
    """What a screen calls a parameter."""
    return {p.name: p.label for p in space.parameters}[parameter]


def _calls(today: Scenario, case: Case) -> int:
    """Scored calls of the window that are the case's own, before any is copied."""
    own = 0
    for pool in today.pools:
        scored = pool.demand.is_scored
        taken = case.session_ratio[pool.demand.surface[scored], pool.demand.tier[scored]] > 0.0
        own += int(taken.sum())
    return own
