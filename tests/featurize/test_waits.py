import numpy as np
import polars as pl
import pytest

from featurize import wait_profile, waits_summary
from featurize.calls import call_waits
from tests.featurize.call_frames import calls_frame, many_calls, tools_frame, tools_of
from warehouse.contracts import WaitProfile

NO_TOOLS = tools_frame()


def test_a_profile_row_holds_count_total_and_numpy_percentiles() -> None:
    waits_s = [1.0, 2.0, 4.0, 9.0]
    calls = calls_frame(*({"session_id": f"s{n}", "ttft_s": w, "input_tokens": 5000} for n, w in enumerate(waits_s)))
    row = WaitProfile.validate(wait_profile(calls, NO_TOOLS).collect()).row(0, named=True)
    assert (row["phase"], row["context_band"], row["wait"], row["call_count"]) == ("any", "4-16K", "prefill", 4)
    assert row["total_s"] == pytest.approx(16.0)
    assert [row["p50_s"], row["p95_s"]] == pytest.approx(list(np.percentile(waits_s, [50, 95])))


def test_waits_that_nobody_reports_have_no_rows() -> None:
    assert wait_profile(calls_frame({"input_tokens": 10}), NO_TOOLS).collect().is_empty()


def test_phases_and_unknown_contexts_keep_their_own_rows() -> None:
    calls = calls_frame({"phase": "edit", "ttft_s": 1.0}, {"session_id": "s1", "ttft_s": 2.0, "input_tokens": 1})
    profile = wait_profile(calls, NO_TOOLS).sort("phase").collect()
    assert profile.select("phase", "context_band", "total_s").rows() == [("any", "<4K", 2.0), ("edit", "unknown", 1.0)]


def test_the_profile_conserves_every_known_second_and_call() -> None:
    calls = many_calls(20_000)
    tools = tools_of(calls)
    profile = wait_profile(calls, tools).collect().group_by("wait").agg(pl.col("call_count", "total_s").sum())
    waits = call_waits(calls, tools).collect()
    for wait, call_count, total_s in profile.rows():
        seconds = waits[f"{wait}_wait_s"].drop_nulls()
        assert call_count == len(seconds)
        assert total_s == pytest.approx(seconds.sum())
    assert len(profile) == 6


def test_the_summary_ranks_waits_and_its_shares_sum_to_one() -> None:
    calls = many_calls(5000)
    summary = waits_summary(wait_profile(calls, tools_of(calls))).collect()
    shares = summary.group_by("surface").agg(pl.col("share_ratio").sum())["share_ratio"].to_list()
    assert shares == pytest.approx([1.0] * 6)
    for surface in summary["surface"].unique():
        assert summary.filter(pl.col("surface") == surface)["total_s"].is_sorted(descending=True)
