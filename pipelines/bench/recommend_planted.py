"""Part `planted` of the suite `recommend`: does a planted bottleneck get the change that relieves it."""

from collections.abc import Callable
from typing import Any

import polars as pl

from hwmodel.catalog import load_catalog
from hwmodel.design import bill_of, space_around
from hwmodel.design.risk import PLANTS, first_change, plant_scenario, single_steps

Told = Callable[[str], None]
SHOWN = 4


def planted(told: Told) -> list[dict[str, Any]]:
    """One row per plant: what was expected, what came first, the gains behind it, and what binds by the bill."""
    rows = []
    for plant in PLANTS:
        baseline, scenario = plant_scenario(plant, load_catalog())
        judged, steps = single_steps(space_around(baseline), scenario)
        best = first_change(judged, steps, plant.curve)
        order = sorted(steps, key=lambda step: -step.gain(judged, plant.curve))
        matching = [s for s in steps if plant.is_matched_by(s.step)]
        named = max(matching, key=lambda s: s.gain(judged, plant.curve))
        bill = bill_of(judged)[0]
        by_resource = bill.group_by("binding_resource").agg(pl.col("cost_usd").sum())
        whole = by_resource["cost_usd"].sum()
        rows.append(
            {
                "part": "planted",
                "plant": plant.name,
                "chip": plant.chip,
                "curve": plant.curve,
                "expected": sorted(plant.expected),
                "first_change": best.step.parameter,
                "from": best.step.before,
                "to": best.step.after,
                "gain_ratio": best.gain(judged, plant.curve),
                "best_expected": named.step.parameter,
                "best_expected_gain_ratio": named.gain(judged, plant.curve),
                "ok": plant.is_matched_by(best.step),
                "next": {
                    f"{s.step.parameter} {s.step.after:g}": round(s.gain(judged, plant.curve), 4) for s in order[:SHOWN]
                },
                "bill": {r: round(c / whole, 3) for r, c in by_resource.sort("cost_usd", descending=True).iter_rows()},
                "why": plant.why,
            }
        )
        told(f"{plant.name}: {best.step.parameter} first, {rows[-1]['gain_ratio']:+.1%}; {rows[-1]['bill']}")
    return rows
