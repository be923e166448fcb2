from typing import Any

import polars as pl
import pytest

from featurize import STALL_LIMITS, stall_profile
from tests.featurize.call_frames import calls_frame, many_calls, tools_frame, tools_of
from warehouse.contracts import EvidenceKind, StallProfile

NO_TOOLS = tools_frame()


def steps(count: int, **later: Any) -> pl.LazyFrame:
    """An agent's sequential steps with quick everything, the later ones changed as given."""
    quick: dict[str, Any] = {"ttft_s": 1.0, "queue_s": 0.1, "duration_s": 5.0, "input_tokens": 50_000}
    rows: list[dict[str, Any]] = [quick]
    for step in range(1, count):
        link = {"step_index": step, "at_s": 60.0 * step, "starts_after_call_id": f"c{step - 1}", "gap_s": 3.0}
        cached = {"shared_prefix_tokens": 48_000, "cache_read_tokens": 47_000}
        rows.append({**quick, **link, **cached, **later})
    return calls_frame(*rows)


PLANTED = {
    "model": {"duration_s": 45.0},
    "tool": {"gap_s": 120.0},
    "queue": {"queue_s": 20.0, "ttft_s": 21.0, "duration_s": 25.0},
    "cache_miss": {"cache_read_tokens": 0, "ttft_s": 12.0, "duration_s": 16.0},
}


@pytest.mark.parametrize("cause", PLANTED)
def test_a_planted_cause_is_named_first(cause: str) -> None:
    profile = StallProfile.validate(stall_profile(steps(20, **PLANTED[cause]), NO_TOOLS).collect())
    first = profile.sort("stalled_s", descending=True).row(0, named=True)
    assert first["cause"] == cause
    assert first["stall_count"] == 19
    assert first["share_ratio"] > 0.9


def test_back_off_is_a_rate_limit_stall_and_not_a_tool_stall() -> None:
    refused = {"status": "rate_limited", "input_tokens": 7}
    again = {"step_index": 1, "at_s": 60.0, "starts_after_call_id": "c0", "gap_s": 60.0, "input_tokens": 7}
    profile = stall_profile(calls_frame(refused, again), NO_TOOLS).collect()
    assert profile.select("cause", "stall_count", "stalled_s", "share_ratio").rows() == [("rate_limit", 1, 60.0, 1.0)]


def test_a_slow_call_that_was_not_streamed_is_a_model_stall() -> None:
    profile = stall_profile(calls_frame({"duration_s": 45.0, "output_tokens": 900}), NO_TOOLS).collect()
    assert profile.select("cause", "stalled_s").rows() == [("model", 45.0)]


def test_a_smooth_session_has_no_stalls() -> None:
    assert stall_profile(steps(20), NO_TOOLS).collect().is_empty()


def test_a_known_quick_tool_acquits_the_tool_of_a_long_gap() -> None:
    tools = tools_frame(*({"call_id": f"c{step}", "duration_s": 1.0} for step in range(20)))
    assert stall_profile(steps(20, gap_s=120.0), tools).collect().is_empty()


def test_a_missed_cache_costs_prefill_in_proportion_to_the_missed_tokens() -> None:
    calls = steps(
        2, input_tokens=50_000, cache_read_tokens=10_000, shared_prefix_tokens=40_000, ttft_s=8.1, duration_s=9.0
    )
    row = stall_profile(calls, NO_TOOLS).collect().row(0, named=True)
    assert row["cause"] == "cache_miss"
    assert row["stalled_s"] == pytest.approx(8.0 * 30_000 / 40_000)


@pytest.mark.parametrize("unknown", ["cache_read_tokens", "shared_prefix_tokens", "ttft_s"])
def test_a_call_that_does_not_report_its_cache_cannot_miss_it(unknown: str) -> None:
    calls = steps(5, **{**PLANTED["cache_miss"], unknown: None})
    assert stall_profile(calls, NO_TOOLS).filter(pl.col("cause") == "cache_miss").collect().is_empty()


def test_users_without_an_agent_do_not_stall() -> None:
    calls = calls_frame({"surface": "long_context_chat", "queue_s": 100.0, "ttft_s": 101.0, "duration_s": 500.0})
    assert stall_profile(calls, NO_TOOLS).collect().is_empty()


def test_shares_of_a_surface_and_day_sum_to_one() -> None:
    calls = many_calls(20_000)
    profile = StallProfile.validate(stall_profile(calls, tools_of(calls)).collect())
    sums = profile.group_by("surface", "day").agg(pl.col("share_ratio").sum())["share_ratio"].to_list()
    assert len(sums) >= 6
    assert sums == pytest.approx([1.0] * len(sums))


def test_every_cause_has_one_declared_limit_with_its_kind_and_source() -> None:
    causes = StallProfile.columns()["cause"].dtype.categories.to_list()  # type: ignore[attr-defined]
    assert sorted(limit.cause for limit in STALL_LIMITS) == sorted(causes)
    assert all(limit.kind is EvidenceKind.ASSUMED and limit.source for limit in STALL_LIMITS)


def test_a_cache_that_gave_most_of_the_prefix_did_not_miss() -> None:
    calls = steps(
        5, input_tokens=50_000, shared_prefix_tokens=48_000, cache_read_tokens=30_000, ttft_s=15.0, duration_s=16.0
    )
    assert stall_profile(calls, NO_TOOLS).collect().is_empty()
