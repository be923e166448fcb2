"""Part `mixes` of the suite `recommend`: does the knob group that a surface is said to ask for pay most on its mix."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl

import featurize
from hwmodel.catalog import ChipDesign, DesignTable, design_of, load_catalog
from hwmodel.design import (
    AbandonmentModel,
    CellSize,
    Evaluation,
    Scenario,
    bill_of,
    closed_form_of,
    evaluate,
    evaluate_many,
    guessing,
    scenario_of,
    space_around,
)
from hwmodel.design.risk import (
    CURVE_OF,
    DOMINANT_RATIO,
    EXPECTED,
    GroupElasticity,
    KnobGroup,
    Move,
    Verdict,
    chance_of,
    dominated,
    group_elasticity,
    leading,
    moves_around,
    verdict_of,
)
from pipelines.policy import serving_policy
from telemetry_sim import SimulationSettings, simulate_day
from warehouse.contracts import Surface

Told = Callable[[str], None]
CELL = CellSize(window_s=120.0, lead_in_s=30.0, replicas_count=6.0, widths_count=2, stratified=True)
PEAK_S = 120
SAMPLES_COUNT = 4
"""Simulated days of different seeds: the spread of a gain over them is its sampling error."""
CHIP = "h100-sxm"
NEARLY_ALONE_RATIO = 0.98
"""A second share of the value, not scored: with it a surface has 79 to 99 % of the bill, with the first 18 to 86 %."""
SHOWN_FAMILIES = 4


def mixes(told: Told) -> list[dict[str, Any]]:
    """One row per mix and share: the group expected, every group's elasticity with its interval, and the bill."""
    chip = design_of(load_catalog().chip(CHIP))
    moves = moves_around(space_around(chip))
    rows = []
    for ratio in (DOMINANT_RATIO, NEARLY_ALONE_RATIO):
        samples = [dict(_mixes(chip, seed, ratio)) for seed in range(SAMPLES_COUNT)]
        for surface, expected in EXPECTED.items():
            row = _row(surface, expected, chip, moves, [sample[surface] for sample in samples])
            rows.append(row | {"value_ratio": ratio, "is_scored": ratio == DOMINANT_RATIO})
            told(f"{surface.value} at {ratio:.0%}: {row['group']} {row['elasticities']}; ok {row['ok']}")
    return rows


def _mixes(chip: ChipDesign, seed: int, ratio: float) -> Iterator[tuple[Surface, Scenario]]:
    """The six mixes of one simulated day, its busiest minutes."""
    settings = SimulationSettings(seed=seed)
    day, policy = simulate_day(settings, settings.first_day), serving_policy()
    calls, sessions = pl.DataFrame(day.model_calls).lazy(), pl.DataFrame(day.sessions).lazy()
    demand = featurize.demand_calls(calls, policy.lazy(), sessions, seed=seed).collect()
    start = featurize.peak_window(demand.lazy(), window_s=PEAK_S).start
    lead_in, window = timedelta(seconds=CELL.lead_in_s), timedelta(seconds=CELL.window_s)
    inside = demand.filter(pl.col("requested_at").is_between(start - lead_in, start + window, closed="left"))
    patience = AbandonmentModel.of(featurize.abandonment_curve(calls, sessions).collect())
    for surface in EXPECTED:
        yield (
            surface,
            scenario_of(
                dominated(inside, surface, ratio=ratio),
                policy,
                name=f"mix of {surface.value}",
                baseline=chip,
                catalog=load_catalog(),
                abandonment=patience,
                window_start=start,
                cell=CELL,
                traffic_ratio=1000.0,
                seed=seed,
            ),
        )


def _row(
    surface: Surface, expected: KnobGroup, chip: ChipDesign, moves: list[Move], samples: list[Scenario]
) -> dict[str, Any]:
    curve = CURVE_OF[expected]
    closed = np.mean([_closed_gains(chip, moves, scenario, curve) for scenario in samples], axis=0)
    leaders = leading(moves, closed.tolist())
    judged = [evaluate(chip, scenario) for scenario in samples]
    replayed = [_replayed_gains(one, s, leaders, curve) for one, s in zip(judged, samples, strict=True)]
    groups = [group_elasticity(g, m, [gains[g] for gains in replayed], chip) for g, m in leaders.items()]
    verdict = verdict_of(groups, expected)
    return _told(surface, verdict, groups) | {
        "curve": curve,
        "closed_form": {
            _step(m): round(float(gain) / abs(m.log_change), 4)
            for m, gain in sorted(zip(moves, closed, strict=True), key=lambda pair: -pair[1] / abs(pair[0].log_change))
        },
        "bill": _bill(judged[0]),
    }


def _closed_gains(chip: ChipDesign, moves: list[Move], scenario: Scenario, curve: str) -> list[float]:
    table = DesignTable.of([chip, *(move.design for move in moves)])
    values = getattr(closed_form_of(table, scenario), curve)
    with np.errstate(divide="ignore"):
        gains: list[float] = np.log(values[1:] / values[0]).tolist()
    return gains


def _replayed_gains(
    baseline: Evaluation, scenario: Scenario, leaders: dict[KnobGroup, Move], curve: str
) -> dict[KnobGroup, float]:
    """Log gain of each group's leading move; minus infinity where no fleet keeps the promises."""
    near = guessing(scenario, baseline.guesses())
    found = evaluate_many([move.design for move in leaders.values()], near, workers_count=1)
    return {
        group: float("-inf") if one is None else float(np.log(one.curves[curve] / baseline.curves[curve]))
        for group, one in zip(leaders, found, strict=True)
    }


def _told(surface: Surface, verdict: Verdict, groups: list[GroupElasticity]) -> dict[str, Any]:
    own, largest = verdict.expected, verdict.largest
    return {
        "part": "mixes",
        "mix": surface.value,
        "expected_group": own.group.value,
        "group": largest.group.value,
        "elasticity": own.elasticity,
        "low": own.low,
        "high": own.high,
        "first_step": _step(own.move),
        "largest_elasticity": largest.elasticity,
        "largest_step": _step(largest.move),
        "is_expected": verdict.is_expected,
        "overlaps": verdict.overlaps,
        "is_shared": verdict.is_shared,
        "ok": verdict.is_expected or verdict.is_within,
        "chance_ratio": chance_of(groups),
        "elasticities": {
            g.group.value: [round(v, 4) for v in (g.elasticity, g.low, g.high)]
            for g in sorted(groups, key=lambda g: -g.elasticity)
        },
        "steps": {g.group.value: _step(g.move) for g in groups},
    }


def _step(move: Move) -> str:
    return f"{move.step.parameter} {move.step.before:.4g} -> {move.step.after:.4g}"


def _bill(judged: Evaluation) -> dict[str, dict[str, float]]:
    """Shares of the baseline's bill by binding resource, by surface, and of the dearest families."""
    bill = bill_of(judged)[0].with_columns(
        pl.concat_str([pl.col("family").cast(pl.String), pl.col("binding_resource").cast(pl.String)], separator=" on ")
        .alias("kernel")
    )  # fmt: skip
    whole = bill["cost_usd"].sum()
    shares = {}
    for name, shown in (("binding_resource", None), ("surface", None), ("kernel", SHOWN_FAMILIES)):
        costs = (
            bill.group_by(pl.col(name).cast(pl.String)).agg(pl.col("cost_usd").sum()).sort("cost_usd", descending=True)
        )
        shares[name] = {str(key): round(cost / whole, 3) for key, cost in costs.head(shown or len(costs)).iter_rows()}
    return shares
