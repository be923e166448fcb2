"""A surface fitted to a trace plays back what was planted, says what it could not learn, and copies nothing."""

import numpy as np
import polars as pl
import pytest

from telemetry_sim.errors import SettingsError
from telemetry_sim.fidelity.copies import copied_runs
from telemetry_sim.fidelity.families import one_session_per_family
from telemetry_sim.fidelity.prefix import prefix_curve, prefix_reuse_ratio
from telemetry_sim.fidelity.samples import samples_of
from telemetry_sim.fit import fit_surface
from telemetry_sim.fitted import FittedSurface, simulate_fitted
from tests.shared_data import shared_path
from tests.telemetry_sim.fitted.made_traces import REUSED, loop_trace, single_calls
from warehouse.contracts import ModelCalls
from warehouse.ingest import ingest


def distance(one: pl.DataFrame, other: pl.DataFrame, name: str) -> float:
    a, b = (np.sort(samples_of(frame)[name].values) for frame in (one, other))
    grid = np.unique(np.concatenate((a, b)))
    below = [np.searchsorted(x, grid, side="right") / len(x) for x in (a, b)]
    return float(np.max(np.abs(below[0] - below[1])))


@pytest.fixture(scope="module")
def trace() -> pl.DataFrame:
    return loop_trace(200)


@pytest.fixture(scope="module")
def surface(trace: pl.DataFrame) -> FittedSurface:
    return fit_surface(trace, name="made")


@pytest.fixture(scope="module")
def played(surface: FittedSurface) -> pl.DataFrame:
    return simulate_fitted(surface, seed=1, sessions_count=1_000)


def test_the_play_satisfies_the_contract(played: pl.DataFrame) -> None:
    assert ModelCalls.validate(played).height == played.height
    assert played["session_id"].n_unique() == 1_000


@pytest.mark.parametrize(
    "name",
    ["output_tokens", "growth_tokens", "input_tokens", "tool_gap_s", "human_gap_s", "calls_per_session_count"],
)
def test_marginals_of_the_play_are_those_of_the_trace(trace: pl.DataFrame, played: pl.DataFrame, name: str) -> None:
    assert distance(trace, played, name) < 0.06


def test_the_planted_share_of_reuse_is_found_again(trace: pl.DataFrame, played: pl.DataFrame) -> None:
    inner = played.filter(pl.col("step_index") > 0).sort("session_id", "step_index")
    assert prefix_reuse_ratio(played) == pytest.approx(prefix_reuse_ratio(trace), abs=0.01)
    before = pl.col("input_tokens").shift(1).over("session_id")
    share = inner.with_columns(before=before).drop_nulls("before")
    assert share.select(pl.col("shared_prefix_tokens").sum() / pl.col("before").sum()).item() == pytest.approx(
        REUSED, abs=0.01
    )


def test_every_fourth_call_stays_human(played: pl.DataFrame) -> None:
    turns = played.group_by("session_id", "turn_id").len()
    assert turns["len"].max() == 4


def test_parents_and_predecessors_are_calls_of_the_same_session_that_ended_before(played: pl.DataFrame) -> None:
    ends = played.select(starts_after_call_id="call_id", before_at="requested_at", before_session="session_id")
    joined = played.drop_nulls("starts_after_call_id").join(ends, on="starts_after_call_id", how="left")
    assert joined["before_session"].equals(joined["session_id"])
    assert (joined["before_at"] <= joined["requested_at"]).all()
    assert (joined["parent_call_id"] == joined["starts_after_call_id"]).all()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(surface: FittedSurface) -> None:
    one, again, other = (simulate_fitted(surface, seed=seed, sessions_count=20) for seed in (7, 7, 8))
    assert one.equals(again)
    assert not one["output_tokens"].equals(other["output_tokens"])


def test_a_session_is_the_same_however_many_are_played(surface: FittedSurface) -> None:
    few, many = (simulate_fitted(surface, seed=2, sessions_count=count) for count in (10, 40))
    columns = ["call_id", "input_tokens", "output_tokens", "gap_s", "shared_prefix_tokens"]
    both = few.select(columns).join(many.select(columns), on="call_id", suffix="_many")
    assert both.height == few.height
    assert all(both[name].equals(both[f"{name}_many"].alias(name), null_equal=True) for name in columns[1:])


def test_no_played_session_repeats_five_pairs_of_the_trace(trace: pl.DataFrame, surface: FittedSurface) -> None:
    assert copied_runs(trace, trace) > 0
    for seed in range(5):
        assert copied_runs(trace, simulate_fitted(surface, seed=seed)) == 0


def test_columns_that_the_trace_does_not_tell_stay_null_and_are_named(
    surface: FittedSurface, played: pl.DataFrame
) -> None:
    for name in ("duration_s", "ttft_s", "model", "finish_reason"):
        assert name in surface.provenance.not_told
        assert played[name].null_count() == played.height


@pytest.mark.parametrize("count", [1, 2, 5, 40, 200])
def test_small_traces_fit_and_play(count: int) -> None:
    surface = fit_surface(loop_trace(max(count // 10, 1)).head(count), name="small")
    assert ModelCalls.validate(simulate_fitted(surface, seed=1)).height >= 1


def test_a_trace_without_tokens_is_refused(trace: pl.DataFrame) -> None:
    with pytest.raises(SettingsError, match="nothing to fit"):
        fit_surface(trace.with_columns(output_tokens=pl.lit(None, pl.Int64)), name="empty")


@pytest.mark.parametrize("tied", [0.0, 0.6, -0.5])
def test_single_calls_keep_the_rank_correlation_of_prompt_and_answer(tied: float) -> None:
    calls = single_calls(3_000, tied=tied)
    played = simulate_fitted(fit_surface(calls, name="single"), seed=4)
    assert played.height == played["session_id"].n_unique() == 3_000
    found = [f.select(pl.corr("input_tokens", "output_tokens", method="spearman")).item() for f in (calls, played)]
    assert found[1] == pytest.approx(found[0], abs=0.06)


@pytest.mark.slow
def test_claude_code_sessions_fitted_on_one_half_are_as_close_to_the_other_as_twice_the_noise() -> None:
    calls = ingest("weka", shared_path("data/traces/claude_code_weka_requests.parquet")).model_calls
    calls = one_session_per_family(calls)
    ids = calls["session_id"].unique(maintain_order=True)
    names = ("input_tokens", "output_tokens", "calls_per_session_count", "tool_gap_s", "human_gap_s")
    floors: dict[str, list[float]] = {}
    found: dict[str, list[float]] = {}
    for seed in range(5):
        half = ids.gather(np.random.default_rng(seed).permutation(len(ids))[: len(ids) // 2]).implode()
        fitted, fresh = calls.filter(pl.col("session_id").is_in(half)), calls.filter(~pl.col("session_id").is_in(half))
        played = simulate_fitted(fit_surface(fitted, name="half"), seed=seed)
        assert abs(prefix_reuse_ratio(played) - prefix_reuse_ratio(fitted)) < 0.01
        assert copied_runs(calls, played) == 0
        for name in (*names, "first_context_tokens", "growth_tokens"):
            floors.setdefault(name, []).append(distance(fitted, fresh, name))
            found.setdefault(name, []).append(distance(played, fresh, name))
    for name in (*names, "first_context_tokens"):
        assert np.median(found[name]) <= 2.0 * np.median(floors[name]), name
    assert np.median(found["growth_tokens"]) <= 0.05


@pytest.mark.slow
def test_the_prefix_curve_of_mooncake_conversations_is_met_within_three_points() -> None:
    calls = ingest("mooncake", shared_path("data/traces/mooncake_fast25_conversation.parquet")).model_calls
    real = prefix_curve(calls)
    surface = fit_surface(calls, name="mooncake")
    for seed in range(5):
        played = prefix_curve(simulate_fitted(surface, seed=seed))
        assert np.max(np.abs(np.array(played.hit_ratios) - real.hit_ratios)) < 0.03
        assert abs(played.infinite_hit_ratio - real.infinite_hit_ratio) < 0.03
