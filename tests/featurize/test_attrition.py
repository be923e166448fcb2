from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest

from featurize import demand_calls
from featurize.attrition import MAX_WEIGHT_RATIO, attrition_weights
from telemetry_sim import IncumbentLatency, SimulationSettings, simulate_day
from tests.featurize.call_frames import policy_frame, sessions_frame
from tests.featurize.planted import whole_frame
from warehouse.contracts import Sessions


def weights(*rows: dict[str, Any]) -> dict[int, float]:
    found = attrition_weights(sessions_frame(*rows)).sort("step_index").collect()
    return dict(found.select("step_index", "weight_ratio").rows())


def test_weights_are_the_inverse_of_the_product_limit_computed_by_hand() -> None:
    # 90 sessions: 30 left at their first call, 20 end there; of 40 that go on, 10 leave at the second.
    ends = [(1, "abandoned")] * 30 + [(1, "completed")] * 20 + [(2, "abandoned")] * 10 + [(3, "completed")] * 30
    rows = ({"session_id": f"s{n}", "call_count": c, "outcome": o} for n, (c, o) in enumerate(ends))
    assert weights(*rows) == pytest.approx({0: 1.0, 1: 1 / (60 / 90), 2: 1 / (60 / 90 * 30 / 40)})


def test_nobody_who_leaves_and_nobody_who_tells_give_weights_of_one() -> None:
    for outcome in ("completed", None):
        rows = ({"session_id": f"s{n}", "call_count": 3, "outcome": outcome} for n in range(50))
        assert weights(*rows) == {0: 1.0, 1: 1.0, 2: 1.0}


def test_a_handful_of_late_leavers_does_not_blow_up_a_weight() -> None:
    ends = [(1, "abandoned")] * 980 + [(2, "abandoned")] * 19 + [(3, "completed")]
    found = weights(*({"session_id": f"s{n}", "call_count": c, "outcome": o} for n, (c, o) in enumerate(ends)))
    assert found[2] == found[1] == MAX_WEIGHT_RATIO


def test_the_number_of_intended_calls_is_given_back_where_leaving_is_chance() -> None:
    rng = np.random.default_rng(1)
    intended, stays = rng.geometric(0.1, 20_000), rng.geometric(0.08, 20_000)
    seen = np.minimum(intended, stays)
    names = pl.select(pl.format("s{}", pl.int_range(20_000))).to_series()
    columns: dict[str, Any] = {"session_id": names, "call_count": seen}
    columns["outcome"] = np.where(stays <= intended, "abandoned", "completed")
    found = attrition_weights(whole_frame(Sessions, columns, sessions_frame({}).collect())).collect()
    weight = np.ones(1000)
    weight[found["step_index"].to_numpy()] = found["weight_ratio"].to_numpy()
    total = sum(float(weight[:count].sum()) for count in seen)
    assert seen.sum() < 0.65 * intended.sum()
    assert total == pytest.approx(intended.sum(), rel=0.02)


def ks(values: Any, weight: Any, reference: Any) -> float:
    """Distance of a weighted law from the law of a sample."""
    grid = np.unique(np.concatenate([values, reference]))
    order = np.argsort(values)
    law = np.concatenate(([0.0], np.cumsum(np.asarray(weight)[order]))) / float(np.asarray(weight).sum())
    places = np.searchsorted(np.asarray(values)[order], grid, side="right")
    truth = np.searchsorted(np.sort(reference), grid, side="right") / len(reference)
    return float(np.abs(law[places] - truth).max())


@pytest.mark.slow
@pytest.mark.parametrize("slowdown", [2.0, 4.0])
def test_a_slow_incumbent_that_people_leave_gives_back_the_uncut_law_of_outputs(slowdown: float) -> None:
    settings, day = SimulationSettings(seed=3, calls_per_day=60_000), date(2026, 6, 2)
    slow = IncumbentLatency(slowdown_ratio=slowdown)
    left = simulate_day(settings, day, latency=slow)
    whole = simulate_day(replace(settings, abandonment=False), day, latency=slow)
    demand = demand_calls(left.model_calls.lazy(), policy_frame(), left.sessions.lazy()).collect()
    truth = demand_calls(whole.model_calls.lazy(), policy_frame(), whole.sessions.lazy()).collect()
    assert (truth["weight_ratio"] == 1.0).all()
    assert len(demand) < 0.9 * len(truth)
    assert ks(demand["output_tokens"], demand["weight_ratio"], truth["output_tokens"]) < 0.05
    for (surface,), own in demand.group_by("surface"):
        planned = truth.filter(pl.col("surface") == surface)["output_tokens"]
        assert ks(own["output_tokens"], own["weight_ratio"], planned) < 0.05, surface
        assert ks(own["output_tokens"], np.ones(len(own)), planned) < 0.05, surface
