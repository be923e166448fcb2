"""Designs against scenarios: closed form for all, replay for the finalists, and what each design gives away."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float

from hwmodel.catalog import ChipDesign, DesignTable
from hwmodel.design import CURVE, Case, CaseKind, SearchResult, scenario_under
from hwmodel.design.explain import Regret, Replays, Worth, regret_of

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
    """baseline, real chip, or a finalist by its seat; all but real chips are replayed."""
    design: ChipDesign


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Who is judged, and against what."""

    today: Replays
    """Replays of today's scenario."""
    entrants: tuple[Entrant, ...]
    """The baseline first."""
    found: SearchResult
    """What was scored in every scenario, and what was replayed in those that can be."""


def regret_frames(judged: Judged, cases: Sequence[Case]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The matrix in long form, and its summary by design and method.

    In closed form a regret is against the best of all scored designs, by replay against the best replayed one.
    """
    names = [case.name for case in cases]
    shown = Worth(designs=DesignTable.of([entrant.design for entrant in judged.entrants]))
    closed = np.stack([shown.of(scenario_under(judged.found.scenario, case)) for case in cases], axis=1)
    scored = judged.found.scored
    forms = (scored.closed if case.kind is CaseKind.TODAY else scored.of(case.name) for case in cases)
    best = np.array([form.value_per_usd_ratio.max() for form in forms])
    replayed = np.stack([_replayed(judged, case) for case in cases], axis=1)
    blocks = [_block(judged, names, closed, CLOSED_FORM, best), _block(judged, names, replayed, REPLAY, None)]
    return pl.concat([matrix for matrix, _ in blocks]), pl.concat([summary for _, summary in blocks])


def _replayed(judged: Judged, case: Case) -> Float[np.ndarray, "designs"]:
    """Replayed value per dollar; NaN where none was asked, 0 where no fleet keeps the promises."""
    values = np.full(len(judged.entrants), np.nan)
    rows = [at for at, entrant in enumerate(judged.entrants) if entrant.kind != "real chip"]
    designs = [judged.entrants[at].design for at in rows]
    if case.kind is CaseKind.TODAY:
        values[rows] = [0.0 if found is None else found.curves[CURVE] for found in judged.today.of(designs)]
    for model in judged.found.others:
        if model.scenario.name == case.name:
            values[rows] = [found.curves.get(CURVE, 0.0) for found in model.replays.outcomes(designs)]
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
