import polars as pl
import pytest

from featurize.calls import call_waits, linked_calls
from tests.featurize.call_frames import calls_frame, many_calls, tools_frame

NO_TOOLS = tools_frame()


def column(frame: pl.LazyFrame, name: str) -> list[object]:
    return frame.collect()[name].to_list()


def test_waits_of_an_agent_turn_are_split_as_computed_by_hand() -> None:
    calls = calls_frame(
        {"queue_s": 0.5, "ttft_s": 2.0, "duration_s": 6.0},
        {"step_index": 1, "at_s": 16.0, "starts_after_call_id": "c0", "gap_s": 10.0, "ttft_s": 1.0, "duration_s": 3.0},
        {"turn_id": 1, "step_index": 2, "at_s": 60.0, "starts_after_call_id": "c1", "gap_s": 41.0},
    )
    waits = call_waits(calls, NO_TOOLS)
    assert column(waits, "queue_wait_s") == [0.5, None, None]
    assert column(waits, "prefill_wait_s") == [1.5, 1.0, None]
    assert column(waits, "decode_wait_s") == [4.0, 2.0, None]
    assert column(waits, "tool_wait_s") == [None, 10.0, None]
    assert column(waits, "human_wait_s") == [None, None, 41.0]


def test_side_by_side_tools_count_their_wall_time_once() -> None:
    calls = calls_frame({}, {"step_index": 1, "at_s": 30.0, "starts_after_call_id": "c0", "gap_s": 20.0})
    tools = tools_frame(
        {"call_id": "c0", "at_s": 10.0, "duration_s": 4.0}, {"call_id": "c0", "at_s": 12.0, "duration_s": 5.0}
    )
    assert column(call_waits(calls, tools), "tool_wait_s") == [None, 7.0]


def test_what_a_known_tool_leaves_of_a_gap_is_approval() -> None:
    step = {"step_index": 1, "at_s": 30.0, "starts_after_call_id": "c0"}
    for gap_s, approval_s in ((20.0, 12.0), (8.0, None), (8.0005, None)):
        waits = call_waits(calls_frame({}, {**step, "gap_s": gap_s}), tools_frame({"call_id": "c0", "duration_s": 8.0}))
        assert column(waits, "tool_wait_s") == [None, 8.0]
        assert column(waits, "human_wait_s") == [None, approval_s]


def test_a_call_cut_before_its_first_token_waited_until_the_cut() -> None:
    cut = {"status": "user_cancel", "duration_s": 9.0}
    calls = calls_frame(
        {**cut, "output_tokens": 0, "queue_s": 2.0},
        {**cut, "step_index": 1},
        {**cut, "step_index": 2, "output_tokens": 4},
    )
    assert column(call_waits(calls, NO_TOOLS), "prefill_wait_s") == [7.0, None, None]


def test_a_call_that_was_not_streamed_waits_for_undivided_service() -> None:
    calls = calls_frame(
        {"duration_s": 9.0, "output_tokens": 50}, {"session_id": "s1", "duration_s": 9.0, "queue_s": 2.0}
    )
    waits = call_waits(calls, NO_TOOLS)
    assert column(waits, "service_wait_s") == [9.0, 7.0]
    assert column(waits, "prefill_wait_s") == column(waits, "decode_wait_s") == [None, None]


def test_time_inside_a_call_is_told_once() -> None:
    waits = call_waits(many_calls(2000), NO_TOOLS).with_columns(
        inside_s=pl.sum_horizontal("queue_wait_s", "prefill_wait_s", "decode_wait_s", "service_wait_s")
    )
    assert waits.select((pl.col("inside_s") - pl.col("duration_s")).abs().max()).collect().item() < 1e-6


def test_a_tool_never_takes_more_than_the_gap_it_ran_in() -> None:
    calls = calls_frame({}, {"step_index": 1, "at_s": 30.0, "starts_after_call_id": "c0", "gap_s": 3.0})
    tools = tools_frame({"call_id": "c0", "duration_s": 8.0})
    assert column(call_waits(calls, tools), "tool_wait_s") == [None, 3.0]


def test_a_human_gap_loses_the_tool_that_ran_in_it() -> None:
    calls = calls_frame({}, {"turn_id": 1, "step_index": 1, "at_s": 30.0, "starts_after_call_id": "c0", "gap_s": 30.0})
    tools = tools_frame({"call_id": "c0", "duration_s": 8.0})
    assert column(call_waits(calls, tools), "human_wait_s") == [None, 22.0]


def test_a_chat_without_tools_has_no_tool_wait_inside_a_turn() -> None:
    chat = {"surface": "long_context_chat"}
    calls = calls_frame(chat, {**chat, "step_index": 1, "at_s": 9.0, "starts_after_call_id": "c0", "gap_s": 9.0})
    waits = call_waits(calls, NO_TOOLS)
    assert column(waits, "tool_wait_s") == [None, None]
    assert column(waits, "human_wait_s") == [None, None]


def test_a_missing_gap_is_request_minus_previous_end_and_never_negative() -> None:
    calls = calls_frame(
        {"duration_s": 4.0},
        {"step_index": 1, "at_s": 10.0, "starts_after_call_id": "c0", "duration_s": 8.0},
        {"step_index": 2, "at_s": 15.0, "starts_after_call_id": "c1"},
        {"step_index": 3, "at_s": 20.0, "starts_after_call_id": "c2"},
        {"step_index": 4, "at_s": 21.0, "starts_after_call_id": "not in the frame"},
    )
    linked = linked_calls(calls)
    assert column(linked, "known_gap_s") == [None, 6.0, 0.0, None, None]
    assert column(linked, "previous_call_id") == [None, "c0", "c1", "c2", None]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, True),
        ({"turn_id": 1}, False),
        ({"agent_id": "sub-agent"}, False),
        ({"input_tokens": 101}, False),
        ({"starts_after_call_id": None}, False),
    ],
)
def test_only_the_same_prompt_right_after_a_rate_limit_is_a_retry(change: dict[str, object], expected: bool) -> None:
    refused = {"status": "rate_limited", "input_tokens": 100}
    again = {"step_index": 1, "at_s": 5.0, "starts_after_call_id": "c0", "gap_s": 5.0, "input_tokens": 100}
    waits = call_waits(calls_frame(refused, {**again, **change}), NO_TOOLS)
    assert column(waits, "is_retry") == [False, expected]
    assert column(waits, "backoff_s") == [None, 5.0 if expected else None]
    assert not expected or column(waits, "tool_wait_s") == [None, None]


def test_linking_keeps_every_call_once_and_in_order() -> None:
    calls = calls_frame(*({"session_id": f"s{n}", "starts_after_call_id": "c3" if n != 3 else None} for n in range(20)))
    assert column(call_waits(calls, NO_TOOLS), "call_id") == [f"c{n}" for n in range(20)]
