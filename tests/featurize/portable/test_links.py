import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from featurize import portable
from featurize.calls import call_waits, linked_calls
from tests.featurize.call_frames import calls_frame, many_calls, tools_frame, tools_of
from tests.featurize.portable.portable_frames import portable_calls, portable_tools

FOUND = ("previous_call_id", "known_gap_s", "is_retry", "is_human_driven", "is_agent")
WAITS = (*(f"{wait}_wait_s" for wait in portable.WAITS), "backoff_s")


def by_joins(calls: pl.LazyFrame) -> pl.DataFrame:
    return portable.linked_calls(portable_calls(calls)).select("call_id", *FOUND).sort("call_id").collect()


def by_row_order(calls: pl.LazyFrame) -> pl.DataFrame:
    return linked_calls(calls).select("call_id", *FOUND).sort("call_id").collect()


@pytest.mark.parametrize("order", ["as written", "by time", "backwards", "shuffled"])
def test_the_order_of_the_rows_does_not_change_what_is_linked(order: str) -> None:
    calls = many_calls(2000).collect()
    ordered = {
        "as written": calls,
        "by time": calls.sort("requested_at"),
        "backwards": calls.reverse(),
        "shuffled": calls.sample(fraction=1.0, shuffle=True, seed=1),
    }[order]
    assert_frame_equal(by_row_order(ordered.lazy()), by_joins(calls.lazy()))


@st.composite
def tangled_calls(draw: st.DrawFn) -> pl.LazyFrame:
    """Few sessions and turns, mixed rows, links to calls near, far, absent and to oneself."""
    rows = draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "session_id": st.sampled_from(["s0", "s1"]),
                    "turn_id": st.integers(0, 2),
                    "step_index": st.integers(0, 6),
                    "agent_id": st.sampled_from([None, "sub"]),
                    "input_tokens": st.sampled_from([None, 100]),
                    "status": st.sampled_from(["ok", "rate_limited"]),
                    "at_s": st.integers(0, 50),
                    "duration_s": st.sampled_from([None, 1.5, 8.0]),
                    "gap_s": st.sampled_from([None, 3.0]),
                    "starts_after_call_id": st.sampled_from([None, "gone", *(f"c{n}" for n in range(8))]),
                }
            ),
            max_size=12,
        )
    )
    return calls_frame(*rows)


@given(tangled_calls())
def test_row_order_and_joins_link_any_calls_alike(calls: pl.LazyFrame) -> None:
    assert_frame_equal(by_row_order(calls), by_joins(calls))


@given(tangled_calls())
def test_waits_of_any_calls_are_the_same_either_way(calls: pl.LazyFrame) -> None:
    tools = tools_frame(
        {"call_id": "c1", "at_s": 1.0, "duration_s": 2.5}, {"call_id": "c1", "at_s": 2.0, "duration_s": 4.0}
    )
    ours = call_waits(calls, tools).select("call_id", *WAITS).sort("call_id").collect()
    theirs = portable.call_waits(portable_calls(calls), portable_tools(tools))
    assert_frame_equal(ours, theirs.select("call_id", *WAITS).sort("call_id").collect())


def test_columns_that_are_not_kept_change_no_wait() -> None:
    calls = many_calls(2000)
    tools = tools_of(calls)
    whole = call_waits(calls, tools).select("surface", *WAITS).collect()
    assert_frame_equal(call_waits(calls, tools, keep=("surface",)).select("surface", *WAITS).collect(), whole)
