"""Conversations: how many turns, what messages bring, how prompts go on."""

from dataclasses import replace

import numpy as np
import pytest

from telemetry_sim.behaviour.chat import draft_chats
from telemetry_sim.behaviour.draft import FAILED, ROOT, SERVED, Draft
from telemetry_sim.parameters import Chat
from tests.telemetry_sim.behaviour.drafts import opened, shipped
from warehouse.contracts import Surface


def draft(surface: Surface, *, scale_ratio: float = 1.0, **changes: float) -> tuple[Draft, Chat]:
    parameters = shipped(surface)
    assert isinstance(parameters.behaviour, Chat)
    chat = replace(parameters.behaviour, **changes)  # type: ignore[arg-type]
    sessions, clients = opened(surface, 6_000)
    return draft_chats(parameters, chat, sessions, clients, scale_ratio=scale_ratio), chat


def test_turns_are_one_or_two_and_more_with_a_geometric_tail() -> None:
    made, chat = draft(Surface.LONG_CONTEXT_CHAT, second_turn_ratio=0.5, next_turn_ratio=0.8)
    turns = made.row_count
    assert (turns > 1).mean() == pytest.approx(0.5, abs=0.02)
    for upto in (2, 3, 5):
        assert (turns > upto).sum() / (turns >= upto).sum() == pytest.approx(0.8, abs=0.03)
    assert turns.max() <= chat.max_turn_count
    never, _ = draft(Surface.LONG_CONTEXT_CHAT, second_turn_ratio=0.0)
    assert (never.row_count == 1).all()


def test_a_conversation_shares_all_of_the_prompt_and_visible_answer_before_unless_it_is_rewritten() -> None:
    made, _ = draft(Surface.LONG_CONTEXT_CHAT)
    rows = np.flatnonzero(made.parent_row != ROOT)
    parent = made.parent_row[rows]
    visible = np.where(made.fate[parent] == SERVED, made.output_tokens[parent] - made.reasoning_tokens[parent], 0)
    known = made.input_tokens[parent] + visible
    whole = made.shared_tokens[rows] == known
    assert (parent < rows).all()
    assert (made.fate[parent] != FAILED).all()
    assert 0.95 < whole.mean() < 1.0
    assert (made.shared_tokens[rows] <= np.minimum(known, made.input_tokens[rows])).all()


def test_pictures_are_part_of_the_prompt_and_come_with_first_messages() -> None:
    made, chat = draft(Surface.MULTIMODAL, later_image_ratio=0.0)
    first = made.rows.step == 0
    assert (made.image_tokens[~first] == 0).all()
    assert (made.image_tokens[first] < made.input_tokens[first]).all()
    assert (made.image_tokens[first] == 0).mean() == pytest.approx(chat.image_count_ratio[0], abs=0.015)
    always, _ = draft(Surface.MULTIMODAL, later_image_ratio=1.0)
    assert (always.image_tokens[always.rows.step > 0] > 0).mean() == pytest.approx(
        1.0 - chat.image_count_ratio[0], abs=0.03
    )


def test_longer_prompts_of_later_days_change_nothing_but_lengths() -> None:
    usual, _ = draft(Surface.LONG_CONTEXT_CHAT)
    grown, _ = draft(Surface.LONG_CONTEXT_CHAT, scale_ratio=1.5)
    assert (usual.row_count == grown.row_count).all()
    assert (usual.gap_s == grown.gap_s).all()
    assert (usual.output_tokens == grown.output_tokens).all()
    ratio = np.median(grown.input_tokens[grown.rows.step == 0] / usual.input_tokens[usual.rows.step == 0])
    assert ratio == pytest.approx(1.5, rel=0.02)
