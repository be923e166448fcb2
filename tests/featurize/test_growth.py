import pytest

from featurize import context_growth
from tests.featurize.call_frames import calls_frame
from warehouse.contracts import ContextGrowth


def test_steps_of_an_agent_fall_into_doubling_bands() -> None:
    calls = calls_frame(*({"step_index": step, "input_tokens": 100 * (step + 1)} for step in range(8)))
    rows = ContextGrowth.validate(context_growth(calls).collect()).sort("step_order")
    assert rows.select("step_band", "step_order", "call_count", "input_p50_tokens").rows() == [
        ("1", 0, 1, 100.0),
        ("2-3", 1, 2, 250.0),
        ("4-7", 2, 4, 550.0),
        ("8-15", 3, 1, 800.0),
    ]
    assert rows["input_p90_tokens"].to_list() == pytest.approx([100.0, 290.0, 670.0, 800.0])


def test_a_chat_grows_by_turn_and_not_by_step() -> None:
    chat = {"surface": "long_context_chat"}
    calls = calls_frame({**chat, "step_index": 0}, {**chat, "step_index": 1}, {**chat, "step_index": 2, "turn_id": 1})
    rows = context_growth(calls).sort("step_order").collect()
    assert rows.select("step_band", "call_count").rows() == [("1", 2), ("2-3", 1)]
    assert rows["input_p50_tokens"].to_list() == [None, None]


def test_sub_agents_with_their_own_context_are_left_out() -> None:
    calls = calls_frame({"input_tokens": 90_000}, {"step_index": 1, "agent_id": "explore", "input_tokens": 2000})
    assert context_growth(calls).collect()["input_p50_tokens"].to_list() == [90_000.0]


def test_what_a_call_adds_is_what_it_does_not_share() -> None:
    calls = calls_frame(
        {"input_tokens": 900},
        {"step_index": 1, "input_tokens": 1000, "shared_prefix_tokens": 900},
        {"step_index": 2, "input_tokens": 1300, "shared_prefix_tokens": 1000},
    )
    rows = context_growth(calls).sort("step_order").collect()
    assert rows["added_p50_tokens"].to_list() == [None, 200.0]
