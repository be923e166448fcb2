import numpy as np
import polars as pl
import pytest

from featurize import workload_mix
from tests.featurize.call_frames import calls_frame, many_calls
from warehouse.contracts import WorkloadMix


def test_the_mix_of_a_day_is_that_computed_by_hand() -> None:
    chat = {"surface": "long_context_chat", "session_id": "chat"}
    calls = calls_frame(
        {"input_tokens": 100, "output_tokens": 10, "ttft_s": 1.0},
        {"step_index": 1, "input_tokens": 300, "output_tokens": 20, "shared_prefix_tokens": 100, "ttft_s": 3.0},
        {"session_id": "s1", "status": "error"},
        {**chat, "input_tokens": 50, "output_tokens": 5},
    )
    rows = WorkloadMix.validate(workload_mix(calls).collect())
    loop = rows.filter(pl.col("surface") == "codex_loop").row(0, named=True)
    expected = {
        "session_count": 2,
        "call_count": 3,
        "call_share_ratio": 0.75,
        "input_tokens": 400,
        "shared_prefix_tokens": 100,
        "output_tokens": 30,
        "input_p50_tokens": 200.0,
        "output_p90_tokens": 19.0,
        "shared_ratio": 0.25,
        "ttft_p50_s": 2.0,
        "calls_per_session_p50_count": 1.5,
    }
    assert {name: loop[name] for name in expected} == pytest.approx(expected)
    assert loop["cut_ratio"] == pytest.approx(1 / 3)


def test_shares_of_a_day_sum_to_one_and_counts_to_the_frame() -> None:
    calls = many_calls(20_000)
    mix = WorkloadMix.validate(workload_mix(calls).collect())
    shares = mix.group_by("day").agg(pl.col("call_share_ratio").sum())["call_share_ratio"].to_list()
    assert shares == pytest.approx([1.0] * len(shares))
    assert mix["call_count"].sum() == 20_000
    assert mix["input_tokens"].sum() == calls.select(pl.col("input_tokens").sum()).collect().item()


def test_percentiles_of_the_mix_equal_those_of_numpy() -> None:
    calls = many_calls(6000).with_columns(day=pl.date(2026, 3, 2)).collect()
    for row in workload_mix(calls.lazy()).collect().iter_rows(named=True):
        tokens = calls.filter(pl.col("surface") == row["surface"])["output_tokens"].to_numpy()
        ours = [row[f"output_p{percent}_tokens"] for percent in (50, 90, 99)]
        assert ours == pytest.approx(list(np.percentile(tokens, [50, 90, 99])))


def test_a_trace_without_lineage_has_no_shared_tokens_rather_than_zero() -> None:
    row = workload_mix(calls_frame({"input_tokens": 100})).collect().row(0, named=True)
    assert (row["shared_prefix_tokens"], row["shared_ratio"]) == (None, None)


def test_lineage_of_one_source_says_nothing_about_another() -> None:
    calls = calls_frame(
        {"input_tokens": 100, "shared_prefix_tokens": 50},
        {"session_id": "s1", "input_tokens": 900, "source_id": "other trace"},
    )
    assert workload_mix(calls).collect()["shared_ratio"].to_list() == [0.5]
