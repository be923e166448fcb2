from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest

from featurize import demand_calls
from featurize.attrition import (
    MAX_STEP_WEIGHT_RATIO,
    MAX_WEIGHT_RATIO,
    attrition_weights,
    step_weights,
    weight_ratio,
    with_path_ratio,
)
from telemetry_sim import IncumbentLatency, SimulationSettings, simulate_day
from tests.featurize.call_frames import calls_frame, policy_frame, sessions_frame
from tests.featurize.planted import whole_frame
from warehouse.contracts import ModelCalls, Sessions


def weights(*rows: dict[str, Any]) -> dict[int, float]:
    found = step_weights(sessions_frame(*rows)).sort("step_index").collect()
    return dict(found.select("step_index", "step_weight_ratio").rows())


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
    assert found[2] == found[1] == MAX_STEP_WEIGHT_RATIO


def test_the_number_of_intended_calls_is_given_back_where_leaving_is_chance() -> None:
    rng = np.random.default_rng(1)
    intended, stays = rng.geometric(0.1, 20_000), rng.geometric(0.08, 20_000)
    seen = np.minimum(intended, stays)
    names = pl.select(pl.format("s{}", pl.int_range(20_000))).to_series()
    columns: dict[str, Any] = {"session_id": names, "call_count": seen}
    columns["outcome"] = np.where(stays <= intended, "abandoned", "completed")
    found = step_weights(whole_frame(Sessions, columns, sessions_frame({}).collect())).collect()
    weight = np.ones(1000)
    weight[found["step_index"].to_numpy()] = found["step_weight_ratio"].to_numpy()
    total = sum(float(weight[:count].sum()) for count in seen)
    assert seen.sum() < 0.65 * intended.sum()
    assert total == pytest.approx(intended.sum(), rel=0.02)


def sessions_that_wait(
    calls_count: int, *, sessions_count: int = 6000, with_first_tokens: bool = True
) -> tuple[pl.DataFrame, pl.DataFrame, float]:
    """Sessions of `calls_count` calls whose waits are alike inside a session, and users who leave at 0.05 a second.

    Returns:
        Calls that were made, their sessions, and the share of intended calls of slow sessions (a half).
    """
    rng = np.random.default_rng(4)
    slow = np.arange(sessions_count) % 2 == 1
    waits_s = np.where(slow, 8.0, 1.0)[:, None] * rng.uniform(0.5, 1.5, (sessions_count, calls_count))
    leaves_s = rng.exponential(20.0, (sessions_count, calls_count))
    is_left = leaves_s < waits_s
    made = np.where(is_left.any(axis=1), is_left.argmax(axis=1) + 1, calls_count)
    session, step = np.nonzero(np.arange(calls_count) < made[:, None])
    gone, waited_s = is_left[session, step], np.minimum(waits_s, leaves_s)[session, step]
    timed = ~gone & with_first_tokens
    calls: dict[str, Any] = {
        "call_id": [f"s{s}-{n}" for s, n in zip(session, step, strict=True)],
        "session_id": [f"s{s}" for s in session],
        "step_index": step,
        "ttft_s": pl.Series(np.where(timed, waited_s, np.nan)).fill_nan(None),
        "duration_s": waited_s,
        "input_tokens": np.where(slow[session], 800, 100),
        "output_tokens": np.where(gone, 0, 10),
        "status": np.where(gone, "user_cancel", "ok"),
    }
    sessions = {
        "session_id": [f"s{s}" for s in range(sessions_count)],
        "call_count": made,
        "outcome": np.where(is_left.any(axis=1), "abandoned", "completed"),
    }
    return (
        whole_frame(ModelCalls, calls, calls_frame({}).collect()).collect(),
        whole_frame(Sessions, sessions, sessions_frame({}).collect()).collect(),
        float(slow.mean()),
    )


def weighted(calls: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """The calls with their ratio in the step and their weight."""
    return attrition_weights(with_path_ratio(calls.lazy(), sessions.lazy()), sessions.lazy()).collect()


def slow_share(frame: pl.DataFrame, weight: str) -> float:
    """Share of the calls of slow sessions by weight."""
    share = (pl.col(weight) * (pl.col("input_tokens") == 800)).sum() / pl.col(weight).sum()
    return float(frame.select(share).item())


@pytest.mark.parametrize("with_first_tokens", [True, False])
def test_sessions_that_are_left_for_their_long_waits_get_back_their_share_of_the_calls(
    *, with_first_tokens: bool
) -> None:
    calls, sessions, truth = sessions_that_wait(6, with_first_tokens=with_first_tokens)
    found = weighted(calls, sessions).join(step_weights(sessions.lazy()).collect(), on=("surface", "step_index"))
    assert len(found) < 0.7 * 6 * len(sessions)
    assert slow_share(found, "step_weight_ratio") < 0.7 * truth
    assert slow_share(found, "weight_ratio") == pytest.approx(truth, rel=0.05)
    assert found["weight_ratio"].sum() == pytest.approx(6 * len(sessions), rel=0.02)


def test_a_weight_is_that_of_the_step_on_average_and_stays_between_one_and_the_most() -> None:
    calls, sessions, _ = sessions_that_wait(40, sessions_count=3000)
    found = weighted(calls, sessions)
    means = found.group_by("step_index").agg(pl.col("path_ratio").mean())["path_ratio"]
    np.testing.assert_allclose(means, 1.0, rtol=1e-6)
    assert found["weight_ratio"].is_between(1.0, MAX_WEIGHT_RATIO).all()
    assert (found["weight_ratio"] > MAX_STEP_WEIGHT_RATIO).any()


def test_a_call_stands_for_itself_at_least_and_for_the_most_at_most() -> None:
    parts = pl.DataFrame({"step_weight_ratio": [None, 20.0, 2.0, 3.0], "path_ratio": [1.0, 9.0, 0.1, 1.5]})
    assert parts.select(weight_ratio()).to_series().to_list() == [1.0, MAX_WEIGHT_RATIO, 1.0, 4.5]


def test_ratios_do_not_depend_on_the_order_of_rows() -> None:
    calls, sessions, _ = sessions_that_wait(6, sessions_count=500)
    mixed = weighted(calls.sample(fraction=1.0, shuffle=True, seed=1), sessions)
    there = weighted(calls, sessions).join(mixed, on="call_id", suffix="_mixed")
    assert len(there) == len(calls)
    assert (there["path_ratio"] == there["path_ratio_mixed"]).all()
    assert there["path_ratio"].n_unique() > 100


def test_calls_whose_session_is_not_told_are_like_their_step() -> None:
    calls, sessions, _ = sessions_that_wait(6, sessions_count=500)
    begun = pl.col("session_id").is_in([f"s{n}" for n in range(100)])
    unknown = pl.col("session_id").is_in([f"s{n}" for n in range(100, 200)])
    silent = sessions.with_columns(outcome=pl.when(unknown).then(None).otherwise("outcome"))
    found = weighted(calls.filter(~begun | (pl.col("step_index") > 0)), silent)
    assert (found.filter(begun | unknown)["path_ratio"] == 1.0).all()
    assert not (found.filter(~begun & ~unknown, pl.col("step_index") > 0)["path_ratio"] == 1.0).any()


def test_without_durations_or_leavers_or_sessions_only_the_step_counts() -> None:
    calls, sessions, _ = sessions_that_wait(6, sessions_count=500)
    untimed = calls.with_columns(ttft_s=pl.lit(None, pl.Float64), duration_s=pl.lit(None, pl.Float64))
    stayed = sessions.with_columns(outcome=pl.lit("completed", sessions.schema["outcome"]))
    for given, known in ((untimed, sessions), (calls, stayed), (calls.clear(), sessions)):
        assert (weighted(given, known)["path_ratio"] == 1.0).all()
    alone = attrition_weights(with_path_ratio(calls.lazy(), None), None).collect()
    assert (alone["weight_ratio"] == 1.0).all()


def test_waits_of_sub_agents_that_nobody_watches_do_not_weigh() -> None:
    calls, sessions, _ = sessions_that_wait(6, sessions_count=2000)
    is_first = pl.col("step_index") == 0
    left_first = calls.filter(is_first, pl.col("status") != "ok")["session_id"].implode()
    calls, sessions = (frame.filter(~pl.col("session_id").is_in(left_first)) for frame in (calls, sessions))
    own = calls.with_columns(agent_id=pl.when(is_first).then(pl.lit("sub")))
    found = weighted(own, sessions).filter(pl.col("step_index") == 1)
    assert (found["path_ratio"] == 1.0).all()
    assert weighted(calls, sessions).filter(pl.col("step_index") == 1)["path_ratio"].n_unique() > 10
    assert weighted(own, sessions).filter(pl.col("step_index") == 2)["path_ratio"].n_unique() > 10


def ks(values: Any, weight: Any, reference: Any) -> float:
    """Distance of a weighted law from the law of a sample."""
    grid = np.unique(np.concatenate([values, reference]))
    order = np.argsort(values)
    law = np.concatenate(([0.0], np.cumsum(np.asarray(weight)[order]))) / float(np.asarray(weight).sum())
    places = np.searchsorted(np.asarray(values)[order], grid, side="right")
    truth = np.searchsorted(np.sort(reference), grid, side="right") / len(reference)
    return float(np.abs(law[places] - truth).max())


@pytest.mark.slow
@pytest.mark.parametrize("seed", [3, 4])
@pytest.mark.parametrize("slowdown", [2.0, 4.0])
def test_a_slow_incumbent_that_people_leave_gives_back_the_uncut_law_of_outputs(slowdown: float, seed: int) -> None:
    settings, day = SimulationSettings(seed=seed, calls_per_day=60_000), date(2026, 6, 2)
    slow = IncumbentLatency(slowdown_ratio=slowdown)
    left = simulate_day(settings, day, latency=slow)
    whole = simulate_day(replace(settings, abandonment=False), day, latency=slow)
    demand = demand_calls(left.model_calls.lazy(), policy_frame(), left.sessions.lazy()).collect()
    truth = demand_calls(whole.model_calls.lazy(), policy_frame(), whole.sessions.lazy()).collect()
    assert (truth["weight_ratio"] == 1.0).all()
    assert len(demand) < 0.9 * len(truth)
    pooled = ks(demand["output_tokens"], demand["weight_ratio"], truth["output_tokens"])
    assert pooled < min(0.03, ks(demand["output_tokens"], np.ones(len(demand)), truth["output_tokens"]) / 2)
    for (surface,), own in demand.group_by("surface"):
        planned = truth.filter(pl.col("surface") == surface)["output_tokens"]
        assert ks(own["output_tokens"], own["weight_ratio"], planned) < 0.05, surface
        assert ks(own["output_tokens"], np.ones(len(own)), planned) < 0.05, surface
        if surface in {"always_on_assistant", "multimodal", "api_burst"}:  # sessions short enough to be seen whole
            assert own["weight_ratio"].sum() == pytest.approx(len(planned), rel=0.03), surface
