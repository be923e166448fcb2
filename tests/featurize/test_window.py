from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from featurize import NoCallsError, WindowError, demand_calls, peak_window, window_demand
from tests.featurize.call_frames import NOON, calls_frame, many_calls, policy_frame
from warehouse.contracts import DemandCalls

POLICY = policy_frame()


def demand_at(*work: tuple[float, int], **extra: object) -> pl.LazyFrame:
    rows = (
        {"session_id": f"s{at_s}", "at_s": at_s, "input_tokens": tokens, "output_tokens": 1, **extra}
        for at_s, tokens in work
    )
    return demand_calls(calls_frame(*rows), POLICY).collect().lazy()


def test_the_window_of_most_work_wins_over_the_window_of_most_calls() -> None:
    demand = demand_at((0.0, 10), (1.0, 10), (2.0, 10), (7200.0, 5000))
    window = peak_window(demand)
    assert window.start == NOON + timedelta(hours=2)
    assert window.end - window.start == timedelta(seconds=900)
    assert window.offered_tokens == 5001.0


def test_shared_prefixes_are_no_work_and_weights_count() -> None:
    shared = demand_at((0.0, 5000), shared_prefix_tokens=4990)
    assert peak_window(shared).offered_tokens == 11.0
    heavy = shared.with_columns(weight_ratio=pl.lit(3.0))
    assert peak_window(heavy).offered_tokens == 33.0


def test_the_peak_is_the_best_of_all_windows_by_brute_force() -> None:
    demand = demand_calls(many_calls(3000), POLICY).collect()
    window = peak_window(demand.lazy(), window_s=1800, step_s=300)
    at_s = demand["requested_at"].dt.epoch("us").to_numpy() / 1e6
    work = (demand["input_tokens"] - demand["shared_prefix_tokens"] + demand["output_tokens"]).to_numpy()
    starts_s = np.arange(at_s.min() // 300 * 300 - 1800, at_s.max() + 300, 300)
    best = max(work[(at_s >= start_s) & (at_s < start_s + 1800)].sum() for start_s in starts_s)
    assert window.offered_tokens == pytest.approx(best)
    assert window_demand(demand.lazy(), window).select(
        (pl.col("input_tokens") - pl.col("shared_prefix_tokens") + pl.col("output_tokens")).sum()
    ).collect().item() == pytest.approx(best)


def test_calls_whose_predecessor_is_outside_start_at_their_own_time() -> None:
    step = {"input_tokens": 100, "output_tokens": 1, "duration_s": 1.0}
    calls = calls_frame(
        step,
        {
            **step,
            "step_index": 1,
            "at_s": 1000.0,
            "starts_after_call_id": "c0",
            "parent_call_id": "c0",
            "input_tokens": 9000,
        },
        {**step, "step_index": 2, "at_s": 1010.0, "starts_after_call_id": "c1", "gap_s": 9.0},
    )
    demand = demand_calls(calls, POLICY)
    inside = DemandCalls.validate(window_demand(demand, peak_window(demand)).collect())
    assert inside["call_id"].to_list() == ["c1", "c2"]
    assert inside["starts_after_call_id"].to_list() == [None, "c1"]
    assert inside["gap_s"].to_list() == [0.0, 9.0]
    assert inside["parent_call_id"].to_list() == ["c0", None]


@pytest.mark.parametrize(("window_s", "step_s"), [(900, 7), (30, 60), (0, 60), (-60, 60), (900, 0)])
def test_a_window_that_is_no_whole_number_of_steps_is_refused(window_s: float, step_s: float) -> None:
    with pytest.raises(WindowError, match=f"window of {window_s} s .* steps of {step_s} s"):
        peak_window(demand_at((0.0, 1)), window_s=window_s, step_s=step_s)


def test_an_empty_demand_is_refused_with_a_way_out() -> None:
    with pytest.raises(NoCallsError, match="got 0: choose days"):
        peak_window(demand_at((0.0, 1)).limit(0))


def test_a_window_is_closed_at_its_start_and_open_at_its_end() -> None:
    demand = demand_at((0.0, 10), (900.0, 10))
    window = peak_window(demand)
    assert window_demand(demand, window).collect()["session_id"].to_list() == ["s0.0"]
