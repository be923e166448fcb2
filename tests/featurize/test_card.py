from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from featurize import NoCallsError, workload_card
from tests.featurize.call_frames import NOON, calls_frame, many_calls
from tests.shared_data import shared_path
from warehouse.contracts import ModelCalls


def test_the_card_holds_the_percentiles_of_numpy() -> None:
    calls = many_calls(30_000)
    card = workload_card(calls)
    rows = calls.collect()
    for summary in (card.overall, *card.by_surface):
        mine = rows if summary.scope == "all" else rows.filter(pl.col("surface") == summary.scope)
        for side, ours in (("input", summary.input), ("output", summary.output)):
            assert ours is not None
            expected = np.percentile(mine[f"{side}_tokens"].to_numpy(), [50, 90, 99])
            assert [ours.p50_tokens, ours.p90_tokens, ours.p99_tokens] == pytest.approx(list(expected))


def test_surfaces_of_the_card_add_up_to_the_whole() -> None:
    card = workload_card(many_calls(5000))
    assert len(card.by_surface) == 6
    assert sum(summary.call_count for summary in card.by_surface) == card.overall.call_count == 5000
    assert sum(summary.session_count for summary in card.by_surface) == card.overall.session_count == 500
    assert sum(summary.input_total_tokens or 0 for summary in card.by_surface) == card.overall.input_total_tokens


def test_span_peak_hour_and_cuts_are_those_computed_by_hand() -> None:
    calls = calls_frame(
        {"status": "error"},
        {"step_index": 1, "at_s": 3600.0},
        {"step_index": 2, "at_s": 3700.0},
        {"session_id": "s1", "at_s": 9000.0},
    )
    overall = workload_card(calls).overall
    assert (overall.started_at, overall.span_s) == (NOON, 9000.0)
    assert (overall.peak_hour, overall.peak_hour_call_count) == (NOON + timedelta(hours=1), 2)
    assert (overall.calls_per_session_p50_count, overall.cut_ratio) == (2.0, 0.25)


def test_the_earliest_of_equally_full_hours_is_the_peak() -> None:
    calls = calls_frame({"at_s": 7200.0}, {"session_id": "s1"})
    assert workload_card(calls).overall.peak_hour == NOON


def test_first_calls_count_as_unshared_where_the_trace_reports_lineage() -> None:
    calls = calls_frame({"input_tokens": 100}, {"step_index": 1, "input_tokens": 300, "shared_prefix_tokens": 200})
    assert workload_card(calls).overall.shared_ratio == 0.5


def test_what_a_trace_does_not_tell_is_none() -> None:
    overall = workload_card(calls_frame({})).overall
    told = (
        overall.input,
        overall.output,
        overall.input_total_tokens,
        overall.output_total_tokens,
        overall.shared_ratio,
    )
    assert told == (None,) * 5


def test_completeness_is_the_share_of_calls_that_report_a_column() -> None:
    reported = workload_card(calls_frame({"ttft_s": 1.0}, {"session_id": "s1"})).overall.reported_ratio
    assert set(reported) == set(ModelCalls.column_names())
    assert (reported["ttft_s"], reported["queue_s"], reported["call_id"]) == (0.5, 0.0, 1.0)


def test_an_empty_frame_is_refused_with_a_way_out() -> None:
    with pytest.raises(NoCallsError, match="got 0: choose days"):
        workload_card(calls_frame())


@pytest.mark.slow
def test_the_card_of_the_claude_code_trace_states_the_medians_of_the_file() -> None:
    rows = pl.scan_parquet(shared_path("data/traces/claude_code_weka_requests.parquet"))
    calls = pl.concat(
        [
            calls_frame(),
            rows.select(
                input_tokens="in",
                output_tokens="out",
                session_id="trace_id",
                surface=pl.lit("codex_loop").cast(ModelCalls.create_empty().schema["surface"]),
                status=pl.lit("ok").cast(ModelCalls.create_empty().schema["status"]),
                requested_at=pl.lit(NOON).cast(pl.Datetime("us", "UTC")),
                source_id=pl.lit("claude_code"),
            ),
        ],
        how="diagonal",
    )
    overall = workload_card(calls).overall
    assert overall.input is not None
    assert overall.output is not None
    assert overall.input.p50_tokens == pytest.approx(98_800, rel=1e-3)
    assert overall.output.p50_tokens == 219
