import numpy as np
import polars as pl
import pytest

from featurize import session_features
from tests.featurize.call_frames import calls_frame, many_calls, sessions_frame, sessions_of, tools_frame, tools_of
from warehouse.contracts import SessionFeatures

NO_TOOLS = tools_frame()


def test_features_of_a_session_are_those_computed_by_hand() -> None:
    calls = calls_frame(
        {"input_tokens": 1000, "output_tokens": 10, "queue_s": 0.5, "ttft_s": 2.0, "duration_s": 6.0},
        {
            "step_index": 1,
            "at_s": 16.0,
            "starts_after_call_id": "c0",
            "parent_call_id": "c0",
            "gap_s": 10.0,
            "input_tokens": 3000,
            "shared_prefix_tokens": 1000,
            "output_tokens": 30,
            "ttft_s": 1.0,
            "duration_s": 3.0,
        },
        {
            "turn_id": 1,
            "step_index": 2,
            "at_s": 60.0,
            "starts_after_call_id": "c1",
            "gap_s": 41.0,
            "input_tokens": 2000,
            "status": "user_cancel",
        },
    )
    sessions = sessions_frame({"session_id": "s", "span_s": 70.0, "outcome": "abandoned", "paid": True})
    row = SessionFeatures.validate(session_features(calls, NO_TOOLS, sessions).collect()).row(0, named=True)
    expected = {
        "turn_count": 2,
        "call_count": 3,
        "span_s": 70.0,
        "first_input_tokens": 1000,
        "last_input_tokens": 2000,
        "peak_input_tokens": 3000,
        "output_tokens": 40,
        "queue_s": 0.5,
        "prefill_s": 2.5,
        "decode_s": 6.0,
        "service_s": None,
        "tool_s": 10.0,
        "human_s": 41.0,
        "cut_count": 1,
        "outcome": "abandoned",
        "paid": True,
    }
    assert {name: row[name] for name in expected} == expected
    assert row["shared_ratio"] == pytest.approx(1000 / 6000)


def test_a_trace_that_tells_nothing_gives_nulls_and_not_zeros() -> None:
    features = session_features(calls_frame({}), NO_TOOLS, sessions_frame({"session_id": "s"}))
    row = SessionFeatures.validate(features.collect()).row(0, named=True)
    told = ("first_input_tokens", "peak_input_tokens", "output_tokens", "shared_ratio", "outcome", "paid")
    waits = ("queue_s", "prefill_s", "decode_s", "service_s", "tool_s", "human_s")
    assert [row[name] for name in (*told, *waits)] == [None] * 12


@pytest.mark.parametrize("surface", ["codex_loop", "autonomous_workflow"])
def test_waits_add_up_to_the_span_where_all_are_known(surface: str) -> None:
    rng = np.random.default_rng(3)
    rows, clock_s = [], 0.0
    for step in range(40):
        gap_s, queue_s, prefill_s, decode_s = rng.lognormal(0, 1, 4).round(6)
        begin_s = 0.0 if step == 0 else clock_s + gap_s
        rows.append(
            {
                "surface": surface,
                "turn_id": step // 7,
                "step_index": step,
                "at_s": begin_s,
                "starts_after_call_id": f"c{step - 1}" if step else None,
                "gap_s": gap_s if step else None,
                "queue_s": queue_s,
                "ttft_s": queue_s + prefill_s,
                "duration_s": queue_s + prefill_s + decode_s,
            }
        )
        clock_s = begin_s + queue_s + prefill_s + decode_s
    sessions = sessions_frame({"session_id": "s", "surface": surface, "span_s": clock_s})
    row = session_features(calls_frame(*rows), NO_TOOLS, sessions).collect().row(0, named=True)
    parts_s = [row[f"{wait}_s"] for wait in ("queue", "prefill", "decode", "tool", "human")]
    assert min(parts_s) > 0
    assert sum(parts_s) == pytest.approx(row["span_s"], abs=1e-4)


def test_sessions_keep_the_calls_and_tokens_of_the_frame() -> None:
    calls = many_calls(5000)
    features = session_features(calls, tools_of(calls), sessions_of(calls)).collect()
    whole = calls.select(pl.len(), pl.col("output_tokens").sum()).collect()
    assert features["call_count"].sum() == whole["len"].item()
    assert features["output_tokens"].sum() == whole["output_tokens"].item()


def test_a_session_without_calls_is_left_out() -> None:
    sessions = sessions_frame({"session_id": "s"}, {"session_id": "silent"})
    assert session_features(calls_frame({}), NO_TOOLS, sessions).collect()["session_id"].to_list() == ["s"]
