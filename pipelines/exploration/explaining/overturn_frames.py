"""What would overturn a recommendation, as small frames: the scenario set, thresholds, software alone."""

from collections.abc import Mapping, Sequence

import polars as pl

from hwmodel.design import Case, Scenario
from hwmodel.design.explain import Flip, SoftwareGain, SoftwareOption

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
    """Such as `up to 128 sequences, 4096 tokens a step, bf16 products`."""
    return (
        f"up to {option.max_sequences_count} sequences, {option.max_batched_tokens} tokens a step, "
        f"{option.activation_dtype} products"
    )


def _calls(today: Scenario, case: Case) -> int:
    """Scored calls of the window that are the case's own, before any is copied."""
    own = 0
    for pool in today.pools:
        scored = pool.demand.is_scored
        taken = case.session_ratio[pool.demand.surface[scored], pool.demand.tier[scored]] > 0.0
        own += int(taken.sum())
    return own
