"""Designs against scenarios: closed form for all, replay for the finalists, and what each design gives away."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float

from hwmodel.catalog import ChipDesign, DesignTable
from hwmodel.design import (
    CURVE,
    Case,
    CaseKind,
    NoDeployment,
    Scenario,
    Scored,
    evaluate_many,
    in_cell,
    scenario_under,
)
from hwmodel.design.explain import Regret, Replays, Worth, regret_of
from hwmodel.serving import EmptyDemand

RIVALS_COUNT = 120
"""Scored designs beside those shown, half the best of today and half spread: the best of them sets the regret."""
CLOSED_FORM, REPLAY = "closed form", "replay"
REGRET_SCHEMA = {
    "design": pl.String,
    "kind": pl.String,
    "scenario": pl.String,
    "method": pl.String,
    "over_baseline_ratio": pl.Float64,
    "regret_ratio": pl.Float64,
    "rank": pl.Int64,
}
SUMMARY_SCHEMA = {
    "design": pl.String,
    "kind": pl.String,
    "method": pl.String,
    "scenarios": pl.Int64,
    "most_ratio": pl.Float64,
    "mean_ratio": pl.Float64,
    "top_ratio": pl.Float64,
    "is_minimax": pl.Boolean,
    "is_least_mean": pl.Boolean,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrant:
    """One row of the matrix."""

    name: str
    kind: str
    """baseline, finalist or real chip; the first two are replayed."""
    design: ChipDesign


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Who is judged, and how far."""

    today: Replays
    """Replays of today's scenario."""
    entrants: tuple[Entrant, ...]
    """The baseline first."""
    scored: Scored
    replicas_count: float
    replayed_count: int
    """Cases that are replayed, today's not counted."""
    seed: int


def regret_frames(judged: Judged, cases: Sequence[Case]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The matrix in long form, and its summary by design and method."""
    names = [case.name for case in cases]
    scenarios = [scenario_under(judged.today.scenario, case) for case in cases]
    table = DesignTable.of([entrant.design for entrant in judged.entrants])
    shown, rivals = Worth(designs=table), Worth(designs=judged.scored.designs.take(_rivals(judged.scored)))
    closed = np.stack([shown.of(scenario) for scenario in scenarios], axis=1)
    best = np.array([rivals.of(scenario).max() for scenario in scenarios])
    replayed = np.stack([_replayed(judged, scenario) for scenario in _asked(judged, cases, scenarios)], axis=1)
    blocks = [_block(judged, names, closed, CLOSED_FORM, best), _block(judged, names, replayed, REPLAY, None)]
    return pl.concat([matrix for matrix, _ in blocks]), pl.concat([summary for _, summary in blocks])


def _rivals(scored: Scored) -> np.ndarray:
    order = np.argsort(-scored.closed_form, kind="stable")
    half = RIVALS_COUNT // 2
    return np.unique(np.concatenate([order[:half], order[:: max(1, order.size // half)]]))


def _asked(judged: Judged, cases: Sequence[Case], scenarios: Sequence[Scenario]) -> list[Scenario | None]:
    """Scenarios to replay; None where the plan leaves one to the closed form."""
    others = [case.name for case in cases if case.kind is not CaseKind.TODAY][: judged.replayed_count]
    return [
        scenario if case.kind is CaseKind.TODAY or case.name in others else None
        for case, scenario in zip(cases, scenarios, strict=True)
    ]


def _replayed(judged: Judged, scenario: Scenario | None) -> Float[np.ndarray, "designs"]:
    """Replayed value per dollar; NaN where none was asked, 0 where no fleet keeps the promises."""
    values = np.full(len(judged.entrants), np.nan)
    rows = [at for at, entrant in enumerate(judged.entrants) if entrant.kind != "real chip"]
    if scenario is None:
        return values
    designs = [judged.entrants[at].design for at in rows]
    if scenario is judged.today.scenario:
        found = judged.today.of(designs)
    else:
        try:
            found = evaluate_many(designs, in_cell(scenario, replicas_count=judged.replicas_count, seed=judged.seed))
        except (NoDeployment, EmptyDemand):
            return values
    values[rows] = [0.0 if e is None else e.curves[CURVE] for e in found]
    return values


def _block(
    judged: Judged,
    names: Sequence[str],
    values: Float[np.ndarray, "designs scenarios"],
    method: str,
    best: Float[np.ndarray, "scenarios"] | None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of one method."""
    asked = np.isfinite(values).any(axis=0)
    columns = np.flatnonzero(asked).tolist()
    if not columns:
        return pl.DataFrame(schema=REGRET_SCHEMA), pl.DataFrame(schema=SUMMARY_SCHEMA)
    regret = regret_of(values[:, columns], None if best is None else best[columns])
    matrix, summary = [], []
    for row in np.flatnonzero(np.isfinite(values).any(axis=1)).tolist():
        entrant = judged.entrants[row]
        head: dict[str, object] = {"design": entrant.name, "kind": entrant.kind, "method": method}
        told = [head | {"scenario": names[c]} | _cell(values, regret, row, at, c) for at, c in enumerate(columns)]
        matrix += told
        summary.append(head | {"scenarios": len(columns)} | _summed(regret, row))
    return pl.DataFrame(matrix, schema=REGRET_SCHEMA), pl.DataFrame(summary, schema=SUMMARY_SCHEMA)


def _cell(
    values: Float[np.ndarray, "designs scenarios"], regret: Regret, row: int, at: int, column: int
) -> dict[str, object]:
    value, base = float(values[row, column]), float(values[0, column])
    return {
        "over_baseline_ratio": value / base if base > 0.0 else None,
        "regret_ratio": float(regret.regret_ratio[row, at]),
        "rank": int(regret.rank[row, at]),
    }


def _summed(regret: Regret, row: int) -> dict[str, object]:
    return {
        "most_ratio": float(regret.most_ratio[row]),
        "mean_ratio": float(regret.mean_ratio[row]),
        "top_ratio": float(regret.top_ratio[row]),
        "is_minimax": row == regret.minimax,
        "is_least_mean": row == regret.least_mean,
    }
