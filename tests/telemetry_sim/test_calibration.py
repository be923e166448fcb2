"""Simulated telemetry against the published statistics of research traces (traces.md section 2 and 3)."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import ks_2samp

from telemetry_sim import TelemetryDay, simulate_day, simulate_days
from tests.shared_data import shared_path
from tests.telemetry_sim.strategies import TUESDAY, only
from warehouse.contracts import Surface


def quantile(column: pl.Series, share: float) -> float:
    value = column.quantile(share, interpolation="linear")
    assert value is not None
    return float(value)


def tool_gaps(day: TelemetryDay) -> pl.Series:
    calls = day.model_calls
    before = calls.select(starts_after_call_id="call_id", turn_before="turn_id")
    return calls.join(before, on="starts_after_call_id").filter(pl.col("turn_id") == pl.col("turn_before"))["gap_s"]


def human_gaps(day: TelemetryDay) -> pl.Series:
    calls = day.model_calls
    before = calls.select(starts_after_call_id="call_id", turn_before="turn_id")
    return calls.join(before, on="starts_after_call_id").filter(pl.col("turn_id") != pl.col("turn_before"))["gap_s"]


def test_coding_sessions_have_the_calls_of_claude_code_sessions(coding_day: TelemetryDay) -> None:
    counts = coding_day.sessions["call_count"]
    assert quantile(counts, 0.5) == pytest.approx(43, rel=0.30)
    assert quantile(counts, 0.9) == pytest.approx(147, rel=0.30)


def test_coding_outputs_have_the_published_median_and_tail(coding_day: TelemetryDay) -> None:
    output = coding_day.model_calls["output_tokens"].drop_nulls()
    assert quantile(output, 0.5) == pytest.approx(217, rel=0.05)
    assert quantile(output, 0.9) == pytest.approx(878, rel=0.20)


def test_coding_context_has_the_published_median_and_first_size(coding_day: TelemetryDay) -> None:
    calls = coding_day.model_calls
    assert quantile(calls["input_tokens"], 0.5) == pytest.approx(100_000, rel=0.20)
    assert quantile(calls["input_tokens"], 0.9) == pytest.approx(198_000, rel=0.20)
    assert quantile(calls.filter(pl.col("step_index") == 0)["input_tokens"], 0.5) == pytest.approx(23_000, rel=0.30)


def test_coding_context_grows_by_the_published_median_per_call(coding_day: TelemetryDay) -> None:
    calls = coding_day.model_calls
    parents = calls.select(parent_call_id="call_id", parent_tokens="input_tokens")
    growth = (
        calls.join(parents, on="parent_call_id").select(pl.col("input_tokens") - pl.col("parent_tokens")).to_series()
    )
    up = growth.filter(growth > 0)
    assert quantile(up, 0.5) == pytest.approx(658, rel=0.10)
    assert quantile(up, 0.9) == pytest.approx(3_700, rel=0.20)
    assert quantile(up, 0.99) == pytest.approx(16_600, rel=0.30)
    assert 0.002 < float((growth < 0).mean()) < 0.012  # type: ignore[arg-type]


def test_coding_prefix_reuse_is_96_percent_by_tokens(coding_day: TelemetryDay) -> None:
    followers = coding_day.model_calls.filter(pl.col("parent_call_id").is_not_null())
    reuse = int(followers["shared_prefix_tokens"].sum()) / int(followers["input_tokens"].sum())
    assert reuse == pytest.approx(0.962, abs=0.02)


def test_coding_gaps_have_the_published_medians(coding_day: TelemetryDay) -> None:
    tools, humans = tool_gaps(coding_day), human_gaps(coding_day)
    assert quantile(tools, 0.5) == pytest.approx(9.0, rel=0.20)
    assert quantile(tools, 0.9) == pytest.approx(69.0, rel=0.30)
    assert quantile(humans, 0.5) == pytest.approx(120.0, rel=0.10)
    assert quantile(humans, 0.9) == pytest.approx(1_356.0, rel=0.25)
    assert len(humans) / len(coding_day.model_calls) == pytest.approx(0.14, abs=0.04)


def test_few_tool_calls_carry_most_of_the_tool_time(coding_day: TelemetryDay) -> None:
    # TraceLab: p50 0.3 s, p90 13.6 s; 4 % of tool calls last over a minute and carry 85 % of tool time
    duration_s = np.sort(coding_day.tool_calls.filter(pl.col("kind") != "agent")["duration_s"].to_numpy())[::-1]
    top = duration_s[: round(0.04 * len(duration_s))]
    assert 0.75 < top.sum() / duration_s.sum() < 0.92
    assert np.median(duration_s) == pytest.approx(0.3, rel=0.35)
    assert np.quantile(duration_s, 0.9) == pytest.approx(13.6, rel=0.5)
    assert (duration_s > 60.0).mean() == pytest.approx(0.04, abs=0.015)


def test_coding_latency_has_the_published_percentiles(coding_day: TelemetryDay) -> None:
    served = coding_day.model_calls.filter(pl.col("status") == "ok")
    assert quantile(served["ttft_s"], 0.5) == pytest.approx(2.5, rel=0.15)
    assert quantile(served["ttft_s"], 0.9) == pytest.approx(6.6, rel=0.20)
    decode_s = (served["duration_s"] - served["ttft_s"]) / served["output_tokens"]
    assert 1.0 / quantile(decode_s, 0.5) == pytest.approx(58.0, rel=0.05)


def test_the_cache_hits_inside_a_turn_less_across_turns_and_never_after_a_switch(coding_day: TelemetryDay) -> None:
    # GitHub Copilot: about 90 % of tokens inside a turn, 55 % across turns, none after a switch of model
    calls = coding_day.model_calls.filter(pl.col("status") == "ok")
    parents = coding_day.model_calls.select(
        parent_call_id="call_id", parent_turn="turn_id", parent_model="model", parent_session="session_id"
    )
    linked = calls.join(parents, on="parent_call_id").filter(pl.col("session_id") == pl.col("parent_session"))
    same_turn = pl.col("turn_id") == pl.col("parent_turn")
    assert token_hit(linked.filter(same_turn, pl.col("agent_id").is_null())) == pytest.approx(0.90, abs=0.03)
    assert token_hit(linked.filter(~same_turn)) == pytest.approx(0.55, abs=0.04)
    switched = linked.filter(pl.col("model") != pl.col("parent_model"))
    assert len(switched) > 300
    assert token_hit(switched) == 0.0


def token_hit(calls: pl.DataFrame) -> float:
    return int(calls["cache_read_tokens"].sum()) / int(calls["input_tokens"].sum())


def test_users_interrupt_five_to_nine_percent_of_turns(coding_day: TelemetryDay) -> None:
    cut = pl.col("finish_reason") == "interrupted"
    turns = coding_day.model_calls.group_by("session_id", "turn_id").agg(cut.any().alias("cut"))
    assert 0.05 < float(turns["cut"].mean()) < 0.09  # type: ignore[arg-type]
    interrupted = coding_day.model_calls.filter(cut)
    later = coding_day.model_calls.select(call_id="starts_after_call_id", next_turn="turn_id")
    followed = interrupted.join(later, on="call_id")
    assert len(followed) > 0.98 * len(interrupted)
    assert (followed["next_turn"] == followed["turn_id"] + 1).all()


def test_edits_and_commands_fail_about_as_often_as_published(coding_day: TelemetryDay) -> None:
    # AgentSysBench on SWE-bench Pro: edits fail in 37 to 77 %, shell commands in 28 to 40 %; parallel tools dilute it
    failed = dict(coding_day.tool_calls.group_by("kind").agg((~pl.col("ok")).mean()).iter_rows())
    assert 0.30 < failed["edit"] < 0.77
    assert 0.22 < failed["shell"] < 0.40


def test_agents_give_up_and_people_leave_in_a_minority_of_sessions(coding_day: TelemetryDay) -> None:
    outcome = coding_day.sessions["outcome"]
    assert 0.02 < float((outcome == "escalated").mean()) < 0.15  # type: ignore[arg-type]
    assert 0.03 < float((outcome == "abandoned").mean()) < 0.20  # type: ignore[arg-type]


def test_all_eight_phases_occur(coding_day: TelemetryDay) -> None:
    phases = coding_day.model_calls["phase"].value_counts(normalize=True)
    shares = dict(phases.iter_rows())
    assert len(shares) == 8
    assert min(shares.values()) > 0.005


@pytest.mark.parametrize(
    ("surface", "input_p50", "input_rel", "output_p50"),
    [
        (Surface.LONG_CONTEXT_CHAT, 6_909, 0.20, 350),  # Mooncake conversation
        (Surface.ALWAYS_ON_ASSISTANT, 3_140, 0.10, 234),  # RAGPulse
        (Surface.API_BURST, 1_000, 0.60, 67),  # between ServeGen m-large (654) and Azure code (1,469)
    ],
)
def test_other_surfaces_have_the_medians_of_their_traces(
    surface: Surface, input_p50: float, input_rel: float, output_p50: float
) -> None:
    calls = simulate_day(only(surface, 40_000), TUESDAY).model_calls
    assert quantile(calls["input_tokens"], 0.5) == pytest.approx(input_p50, rel=input_rel)
    output_rel = 0.5 if surface is Surface.API_BURST else 0.05
    assert quantile(calls["output_tokens"].drop_nulls(), 0.5) == pytest.approx(output_p50, rel=output_rel)


def test_multimodal_first_turns_have_the_published_number_of_pictures() -> None:
    # ServeGen mm-image: no picture 7 %, output p50/p90/p99 98/262/583, image tokens p50 432 per picture
    calls = simulate_day(only(Surface.MULTIMODAL, 40_000), TUESDAY).model_calls
    firsts = calls.filter(pl.col("step_index") == 0)
    assert float((firsts["image_tokens"] == 0).mean()) == pytest.approx(0.07, abs=0.01)  # type: ignore[arg-type]
    single = firsts.filter(pl.col("image_tokens") > 0)["image_tokens"]
    common = single.value_counts(sort=True)["count"].head(10).sum() / len(single)
    assert common == pytest.approx(0.56 * 0.8, abs=0.08)  # ten sizes hold 56 % of pictures; four in five come alone
    output = calls["output_tokens"].drop_nulls()
    for share, published in ((0.5, 98), (0.9, 262), (0.99, 583)):
        assert quantile(output, share) == pytest.approx(published, rel=0.07)
    assert (calls["image_tokens"] < calls["input_tokens"]).all()


def test_assistants_are_quiet_at_night() -> None:
    calls = simulate_day(only(Surface.ALWAYS_ON_ASSISTANT, 40_000), TUESDAY).model_calls
    local_hour = calls.filter(pl.col("region") == "europe")["requested_at"].dt.hour()
    by_hour = np.bincount((local_hour.to_numpy() + 1) % 24, minlength=24)
    assert by_hour[3:6].mean() < 0.2 * by_hour.mean()


def test_workflows_run_for_hours_with_hundreds_of_steps_in_the_batch_tier() -> None:
    day = simulate_day(only(Surface.AUTONOMOUS_WORKFLOW, 60_000), TUESDAY)
    span_s = (day.sessions["ended_at"] - day.sessions["started_at"]).dt.total_seconds()
    assert quantile(span_s, 0.5) > 3 * 3600
    assert float(span_s.max()) < 24 * 3600  # type: ignore[arg-type]
    assert quantile(day.sessions["call_count"], 0.5) > 150
    assert float((day.sessions["service_tier"] == "batch").mean()) > 0.75  # type: ignore[arg-type]


MOST_KS = 0.08
"""Two noise floors of a real next window, about (traces.md section 2: .021 to .100)."""


@pytest.mark.slow
def test_coding_sessions_lie_close_to_the_claude_code_trace_itself() -> None:
    # Kolmogorov-Smirnov distance to the shared trace, one session per family, main agents only; whole sessions of one
    # start day; gaps are the trace's think_time, which it tells in whole seconds
    trace = pl.read_parquet(shared_path("data/traces/claude_code_weka_requests.parquet")).filter(
        pl.col("agent_id").is_null()
    )
    families = trace.select("family_id", "trace_id").unique("family_id", keep="first", maintain_order=True)
    real = trace.join(families, on=["family_id", "trace_id"], how="semi").sort("trace_id", "seq")
    sizes = real.group_by("trace_id", maintain_order=True).agg(pl.len(), pl.col("in").first())
    waited = real.filter(pl.int_range(pl.len()).over("trace_id") > 0).with_columns(pl.col("think_time").round())
    by_tool = pl.col("input_types").list.contains("tool_result")
    first, second = (day for _, day in simulate_days(only(Surface.CODEX_LOOP, 200_000), 2))
    both = pl.concat([first.model_calls, second.model_calls]).join(first.sessions, on="session_id", how="semi")
    calls = both.filter(pl.col("agent_id").is_null())
    whole = TelemetryDay(model_calls=calls, tool_calls=first.tool_calls, sessions=first.sessions)  # type: ignore[arg-type]
    counts = calls.group_by("session_id").len()["len"]
    pairs = {
        "input": (real["in"], calls["input_tokens"]),
        "output": (real["out"], calls["output_tokens"].drop_nulls()),
        "calls per session": (sizes["len"], counts),
        "first context": (sizes["in"], calls.filter(pl.col("step_index") == 0)["input_tokens"]),
        "tool gap": (waited.filter(by_tool)["think_time"].drop_nulls(), tool_gaps(whole).round()),
        "human gap": (waited.filter(~by_tool)["think_time"].drop_nulls(), human_gaps(whole).round()),
    }
    distance = {name: ks_2samp(one.to_numpy(), other.to_numpy()).statistic for name, (one, other) in pairs.items()}
    assert max(distance.values()) < MOST_KS, distance


@pytest.mark.slow
def test_chat_prompts_lie_close_to_the_mooncake_conversation_trace() -> None:
    real = pl.read_parquet(shared_path("data/traces/mooncake_fast25_conversation.parquet"))
    calls = simulate_day(only(Surface.LONG_CONTEXT_CHAT, 60_000), TUESDAY).model_calls
    output = calls["output_tokens"].drop_nulls()
    assert ks_2samp(real["input_length"].to_numpy(), calls["input_tokens"].to_numpy()).statistic < MOST_KS
    assert ks_2samp(real["output_length"].to_numpy(), output.to_numpy()).statistic < MOST_KS


@pytest.mark.slow
@pytest.mark.parametrize("surface", list(Surface))
def test_the_declared_calls_per_session_turn_calls_per_day_into_that_many_calls(surface: Surface) -> None:
    calls = 900_000 if surface in {Surface.CODEX_LOOP, Surface.AUTONOMOUS_WORKFLOW} else 150_000
    day = simulate_day(only(surface, calls), TUESDAY.replace(day=4))
    assert len(day.model_calls) == pytest.approx(calls, rel=0.05)
