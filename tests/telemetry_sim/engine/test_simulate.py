from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from telemetry_sim import IncumbentLatency, SimulationSettings, TelemetryDay, simulate_day, simulate_days
from telemetry_sim.engine import frames
from telemetry_sim.engine.blocks import SurfaceDay
from tests.telemetry_sim.strategies import TUESDAY, only, small_settings
from warehouse.contracts import ModelCalls, Sessions, Surface, ToolCalls

Days = dict[date, TelemetryDay]


def all_calls(days: Days) -> pl.DataFrame:
    return pl.concat([day.model_calls for day in days.values()])


def started_inside(days: Days) -> pl.DataFrame:
    """Calls of sessions that started on the simulated days."""
    sessions = pl.concat([day.sessions for day in days.values()])
    return all_calls(days).join(sessions.select("session_id"), on="session_id", how="semi")


def test_simulated_days_keep_the_contracts(three_days: Days) -> None:
    for day in three_days.values():
        ModelCalls.validate(day.model_calls)
        ToolCalls.validate(day.tool_calls)
        Sessions.validate(day.sessions)


@settings(max_examples=15)
@given(chosen=small_settings())
def test_any_settings_keep_the_contracts_and_the_partition_day(chosen: SimulationSettings) -> None:
    day = simulate_day(chosen, chosen.first_day)
    ModelCalls.validate(day.model_calls)
    ToolCalls.validate(day.tool_calls)
    Sessions.validate(day.sessions)
    for frame in (day.model_calls, day.tool_calls, day.sessions):
        assert frame["day"].is_in([chosen.first_day]).all()
    used = {surface.value for surface, share in chosen.surface_shares.items() if share > 0.0}
    assert set(day.model_calls["surface"].unique()) <= used


def test_three_default_days_have_more_than_200_000_calls_and_all_surfaces(three_days: Days) -> None:
    calls = all_calls(three_days)
    assert len(calls) > 200_000
    assert len(calls) == pytest.approx(3 * 72_000, rel=0.06)
    assert set(calls["surface"].unique()) == {surface.value for surface in Surface}


def test_shares_of_calls_are_those_asked_for(three_days: Days) -> None:
    calls = all_calls(three_days)
    counts = dict(calls["surface"].value_counts().iter_rows())
    for surface, share in SimulationSettings().surface_shares.items():
        assert counts[surface.value] / len(calls) == pytest.approx(share, rel=0.25, abs=0.025)


def test_the_same_seed_gives_the_same_rows_and_another_seed_does_not() -> None:
    chosen = SimulationSettings(seed=9, calls_per_day=3_000, first_day=TUESDAY)
    first, second = simulate_day(chosen, TUESDAY), simulate_day(chosen, TUESDAY)
    assert_frame_equal(first.model_calls, second.model_calls, check_exact=True)
    assert_frame_equal(first.tool_calls, second.tool_calls, check_exact=True)
    assert_frame_equal(first.sessions, second.sessions, check_exact=True)
    other = simulate_day(SimulationSettings(seed=10, calls_per_day=3_000, first_day=TUESDAY), TUESDAY)
    assert not first.model_calls.equals(other.model_calls)


@settings(max_examples=6)
@given(seed=st.integers(0, 2**40), block_calls=st.integers(200, 20_000), workers=st.integers(1, 3))
def test_blocks_and_workers_change_no_byte(seed: int, block_calls: int, workers: int) -> None:
    chosen = SimulationSettings(seed=seed, calls_per_day=4_000, first_day=TUESDAY)
    usual = simulate_day(chosen, TUESDAY, workers=1)
    other = simulate_day(chosen, TUESDAY, block_calls=block_calls, workers=workers)
    assert_frame_equal(usual.model_calls, other.model_calls, check_exact=True)
    assert_frame_equal(usual.tool_calls, other.tool_calls, check_exact=True)
    assert_frame_equal(usual.sessions, other.sessions, check_exact=True)


@pytest.mark.parametrize("surface", list(Surface))
def test_the_sessions_of_some_clients_do_not_change_when_others_are_played_beside_them(surface: Surface) -> None:
    of_surface = SurfaceDay.of(only(surface, 30_000), surface, TUESDAY, None)
    assert of_surface is not None
    alone = frames.model_calls(of_surface.played(3, 9), 0)
    beside = frames.model_calls(of_surface.played(0, len(of_surface.clients.region)), 0)
    assert len(alone) > 50
    assert_frame_equal(
        beside.filter(pl.col("session_id").is_in(alone["session_id"].unique().to_list())), alone, check_exact=True
    )


def test_a_day_is_sorted_by_session_and_step(three_days: Days) -> None:
    for day in three_days.values():
        assert_frame_equal(day.model_calls, day.model_calls.sort("session_id", "step_index"), check_exact=True)


def test_days_made_alone_and_backwards_equal_days_made_in_a_row() -> None:
    chosen = SimulationSettings(seed=4, calls_per_day=6_000, first_day=TUESDAY)
    in_a_row = dict(simulate_days(chosen, 3))
    for day in sorted(in_a_row, reverse=True):
        alone = simulate_day(chosen, day)
        assert_frame_equal(alone.model_calls, in_a_row[day].model_calls, check_exact=True)
        assert_frame_equal(alone.tool_calls, in_a_row[day].tool_calls, check_exact=True)
        assert_frame_equal(alone.sessions, in_a_row[day].sessions, check_exact=True)


def test_every_call_of_a_session_appears_exactly_once_over_consecutive_days(three_days: Days) -> None:
    calls = all_calls(three_days)
    assert calls["call_id"].n_unique() == len(calls)
    last_day = max(three_days)
    sessions = pl.concat([day.sessions for day in three_days.values()]).filter(pl.col("day") < last_day)
    counted = calls.group_by("session_id").agg(pl.len().cast(pl.Int64).alias("seen"), pl.col("day").n_unique())
    both = sessions.join(counted, on="session_id", how="left", validate="1:1")
    assert (both["seen"] == both["call_count"]).all()
    assert (both["day_right"] == 2).sum() > 20


def test_calls_before_the_first_day_belong_to_sessions_of_the_day_before(three_days: Days) -> None:
    first = three_days[TUESDAY]
    strangers = first.model_calls.join(first.sessions, on="session_id", how="anti")
    assert len(strangers) > 0
    started = strangers["session_id"].str.extract(r"-(\d{8})-").unique().to_list()
    assert started == [f"{TUESDAY - timedelta(days=1):%Y%m%d}"]


def test_steps_and_turns_of_a_session_count_up_in_order_of_request(three_days: Days) -> None:
    calls = started_inside(three_days).sort("session_id", "step_index")
    steps = calls.group_by("session_id", maintain_order=True).agg(
        in_order=(pl.col("step_index").diff().drop_nulls() == 1).all() & (pl.col("step_index").first() == 0),
        later=(pl.col("requested_at").diff().drop_nulls().dt.total_microseconds() > 0).all(),
        turns=pl.col("turn_id").diff().drop_nulls().is_in([0, 1]).all() & (pl.col("turn_id").first() == 0),
    )
    assert steps.select(pl.col("in_order", "later", "turns").all()).row(0) == (True, True, True)


def test_a_call_starts_a_gap_after_the_end_of_the_call_before(three_days: Days) -> None:
    calls = started_inside(three_days)
    ends = calls.select(
        starts_after_call_id="call_id",
        end=pl.col("requested_at") + pl.duration(microseconds=pl.col("duration_s") * 1e6),
    )
    joined = calls.join(ends, on="starts_after_call_id", how="inner")
    error_s = (joined["requested_at"] - joined["end"]).dt.total_microseconds() / 1e6 - joined["gap_s"]
    assert len(joined) > 100_000
    assert float(error_s.abs().max()) < 1e-4  # type: ignore[arg-type]
    firsts = calls.filter(pl.col("step_index") == 0)
    assert firsts["starts_after_call_id"].is_null().all()
    assert firsts["gap_s"].is_null().all()


def test_parents_precede_their_children_and_hold_the_shared_prefix(three_days: Days) -> None:
    calls = started_inside(three_days)
    parents = calls.select(
        parent_call_id="call_id",
        parent_at="requested_at",
        parent_tokens=pl.col("input_tokens") + pl.col("output_tokens").fill_null(0),
        parent_tenant="tenant_id",
    )
    joined = calls.join(parents, on="parent_call_id", how="inner", validate="m:1")
    assert len(joined) == calls["parent_call_id"].is_not_null().sum()
    assert (joined["parent_at"] < joined["requested_at"]).all()
    assert (joined["shared_prefix_tokens"] <= joined["parent_tokens"]).all()
    assert (joined["tenant_id"] == joined["parent_tenant"]).all()
    assert (calls.filter(pl.col("parent_call_id").is_null())["shared_prefix_tokens"] == 0).all()
    assert (calls["cache_read_tokens"] <= calls["shared_prefix_tokens"]).all()


def test_a_session_goes_on_only_from_an_earlier_session_of_its_own_client(three_days: Days) -> None:
    calls = all_calls(three_days)
    ends = calls.select(
        parent_call_id="call_id",
        parent_client="client_id",
        parent_session="session_id",
        parent_end=pl.col("requested_at") + pl.duration(microseconds=(pl.col("duration_s") * 1e6).round()),
    )
    across = calls.join(ends, on="parent_call_id").filter(pl.col("session_id") != pl.col("parent_session"))
    assert (across["client_id"] == across["parent_client"]).all()
    rest = across.filter(pl.col("surface") != Surface.API_BURST.value)
    assert len(rest) > 300
    assert (rest["requested_at"] >= rest["parent_end"]).all()


def test_the_switch_turns_abandonment_off() -> None:
    day = simulate_day(SimulationSettings(seed=2, calls_per_day=8_000, first_day=TUESDAY, abandonment=False), TUESDAY)
    assert (day.model_calls.filter(pl.col("status") == "user_cancel")["finish_reason"] == "interrupted").all()
    assert (day.sessions["outcome"] != "abandoned").all()
    left = simulate_day(SimulationSettings(seed=2, calls_per_day=8_000, first_day=TUESDAY), TUESDAY)
    assert (left.sessions["outcome"] == "abandoned").sum() > 0


def test_a_session_is_abandoned_exactly_if_its_last_call_was_cancelled(three_days: Days) -> None:
    calls = started_inside({day: telemetry for day, telemetry in three_days.items() if day < max(three_days)})
    cut = (pl.col("status") == "user_cancel") & (pl.col("finish_reason") != "interrupted")
    cancelled = set(calls.filter(cut)["session_id"])
    sessions = pl.concat([day.sessions for day in three_days.values()])
    abandoned = sessions.filter(pl.col("outcome") == "abandoned")
    assert cancelled <= set(abandoned["session_id"])
    last = calls.sort("step_index").group_by("session_id").agg(pl.col("status").last())
    assert (last.filter(pl.col("session_id").is_in(list(cancelled)))["status"] == "user_cancel").all()


def test_more_latency_makes_more_people_leave() -> None:
    chosen = only(Surface.LONG_CONTEXT_CHAT, 12_000)
    rates = []
    for slowdown in (0.25, 1.0, 3.0):
        day = simulate_day(chosen, TUESDAY, latency=IncumbentLatency(slowdown_ratio=slowdown))
        rates.append(float((day.sessions["outcome"] == "abandoned").to_numpy().mean()))
    assert rates == sorted(rates)
    assert rates[2] > 3 * rates[0]


def test_cut_calls_report_what_came_and_refused_calls_report_nothing(three_days: Days) -> None:
    calls = all_calls(three_days)
    refused = calls.filter(pl.col("status").is_in(["rate_limited", "error"]))
    assert len(refused) > 100
    for column in ("output_tokens", "cache_read_tokens", "ttft_s", "finish_reason"):
        assert refused[column].is_null().all()
    early = calls.filter((pl.col("status") == "user_cancel") & pl.col("ttft_s").is_null())
    assert (early["output_tokens"] == 0).all()
    served = calls.filter(pl.col("status") == "ok")
    assert served["ttft_s"].null_count() == 0
    assert (served["queue_s"] <= served["ttft_s"]).all()


def test_refused_calls_are_tried_again_after_a_back_off() -> None:
    day = simulate_day(only(Surface.API_BURST, 30_000), TUESDAY)
    refused = day.model_calls.filter(pl.col("status") == "rate_limited")
    again = day.model_calls.filter(pl.col("starts_after_call_id").is_in(refused["call_id"].to_list()))
    assert 0 < len(again) <= len(refused)
    assert float(again["gap_s"].min()) >= 0.5  # type: ignore[arg-type]
    assert 0.001 < len(refused) / len(day.model_calls) < 0.05


def test_context_grows_over_days_by_the_declared_rate() -> None:
    chosen = only(Surface.CODEX_LOOP, 150_000)
    early = simulate_day(chosen, TUESDAY)
    later = simulate_day(chosen, TUESDAY + timedelta(days=28))
    ratio = _mean_first(later) / _mean_first(early)
    assert 1.15 < ratio < 1.5


def _mean_first(day: TelemetryDay) -> float:
    firsts = day.model_calls.filter((pl.col("step_index") == 0) & (pl.col("input_tokens") < 60_000))
    return float(np.mean(firsts["input_tokens"].to_numpy()))


def test_a_weekend_has_fewer_coding_calls() -> None:
    chosen = only(Surface.CODEX_LOOP, 60_000)
    working = len(simulate_day(chosen, TUESDAY + timedelta(days=1)).model_calls)
    weekend = len(simulate_day(chosen, TUESDAY + timedelta(days=5)).model_calls)
    assert weekend < 0.5 * working


def test_tools_start_after_their_call_ends_and_belong_to_calls_that_asked(three_days: Days) -> None:
    calls = started_inside(three_days).select("call_id", "finish_reason", "requested_at", "duration_s")
    tools = pl.concat([day.tool_calls for day in three_days.values()])
    joined = tools.join(calls, on="call_id", how="inner")
    assert len(joined) > 0.8 * len(tools)
    assert (joined["finish_reason"] == "tool_use").all()
    late_us = (joined["started_at"] - joined["requested_at"]).dt.total_microseconds() - joined["duration_s_right"] * 1e6
    assert float(late_us.min()) >= -2.0  # type: ignore[arg-type]


def test_tools_do_not_outlast_the_gap_that_follows_them(three_days: Days) -> None:
    tools = pl.concat([day.tool_calls for day in three_days.values()]).filter(pl.col("kind") != "agent")
    longest = tools.group_by("call_id").agg(pl.col("duration_s").max().alias("tool_s"))
    followed = started_inside(three_days).join(longest, left_on="starts_after_call_id", right_on="call_id")
    same_turn = followed.filter(pl.col("gap_s") > 0.0, pl.col("phase").is_not_null())
    assert len(same_turn) > 20_000
    assert (same_turn["tool_s"] <= same_turn["gap_s"]).mean() > 0.999  # type: ignore[operator]


def test_subagents_have_their_own_context_and_a_parent_agent(three_days: Days) -> None:
    calls = started_inside(three_days)
    helpers = calls.filter(pl.col("agent_id").is_not_null())
    assert helpers["parent_agent_id"].null_count() == 0
    firsts = helpers.sort("step_index").group_by("session_id").first()
    assert len(firsts) > 20
    assert firsts["parent_call_id"].is_null().all()
    assert float(firsts["input_tokens"].median()) == pytest.approx(15_000, rel=0.2)  # type: ignore[arg-type]
