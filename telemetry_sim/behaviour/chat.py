"""Drafts of conversations: long-context chats, multimodal chats, always-on assistants."""

import numpy as np
from numba import njit

from telemetry_sim.behaviour.draft import FAILED, NO_PHASE, SERVED, Draft, Opened, Ragged, ToolDraft
from telemetry_sim.behaviour.draws import (
    ADDED,
    BRINGS_IMAGES,
    CALL_FATE,
    DOCUMENT,
    HAS_DOCUMENT,
    HAS_MORE_TURNS,
    HUMAN_GAP,
    IMAGE_COUNT,
    IMAGE_SIZE,
    LATER_TURNS,
    OTHER_IMAGE_SIZE,
)
from telemetry_sim.behaviour.lengths import PromptPlan, draw_first_prompts, draw_outputs, grow_prompts
from telemetry_sim.behaviour.models import choose_models
from telemetry_sim.laws import Floats, Ints, drawn_count, drawn_value
from telemetry_sim.parameters import Chat, SurfaceParameters
from telemetry_sim.population.clients import Clients
from telemetry_sim.streams import Keys, normal_draw, uniforms, unit_draw


def draft_chats(
    parameters: SurfaceParameters, chat: Chat, opened: Opened, clients: Clients, *, scale_ratio: float
) -> Draft:
    """Everything that a batch of conversations would do: one call per turn, a human between them."""
    turns = _turn_counts(chat, opened.key)
    rows = Ragged.of(turns)
    row_key = rows.row_keys(opened.key)
    failed_call = uniforms(row_key, int(CALL_FATE)) < parameters.volume.error_ratio
    output, reasoning = draw_outputs(parameters, row_key, clients.output_normal[opened.client][rows.session])
    gap_s, added, images = _messages(chat, parameters, row_key, rows.step, scale_ratio)
    first = draw_first_prompts(parameters, opened.key, clients.input_normal[opened.client], scale_ratio=scale_ratio)
    nobody = np.zeros(len(row_key), np.bool_)
    prompts = grow_prompts(
        parameters.context,
        PromptPlan(
            first_row=rows.first_row,
            row_count=turns,
            row_key=row_key,
            is_subagent=nobody,
            visible_tokens=np.where(failed_call, 0, output - reasoning),
            added_tokens=added,
            opening_tokens=images,
            answered=~failed_call,
            repeats=nobody,
        ),
        first,
    )
    return Draft(
        opened=opened,
        rows=rows,
        row_count=turns,
        escalated=np.zeros(len(turns), np.bool_),
        is_linked=first.is_linked,
        is_fresh=first.is_fresh,
        row_key=row_key,
        turn=rows.step,
        phase=np.full(len(row_key), NO_PHASE, np.int8),
        model=choose_models(parameters.models, opened.key, row_key, rows, turns, rows.step, nobody),
        is_subagent=nobody,
        asks_tools=nobody,
        is_watched=~nobody,
        opens_turn=~nobody,
        gap_s=gap_s,
        approval_s=np.zeros(len(row_key)),
        input_tokens=prompts.input_tokens,
        shared_tokens=prompts.shared_tokens,
        parent_row=prompts.parent_row,
        output_tokens=output,
        reasoning_tokens=reasoning,
        image_tokens=images,
        fate=np.where(failed_call, FAILED, SERVED).astype(np.int8),
        tools=ToolDraft.none(),
        system_tokens=int(parameters.context.system_tokens),
        refusal_s=0.0,
    )


def _turn_counts(chat: Chat, session_key: Keys) -> Ints:
    """Turns per session: one, or two and more with a geometric tail."""
    more = uniforms(session_key, int(HAS_MORE_TURNS)) < chat.second_turn_ratio
    chance = uniforms(session_key, int(LATER_TURNS))
    later = np.ones(len(session_key), np.int64)
    if chat.next_turn_ratio > 0.0:
        later += (np.log(chance) / np.log(chat.next_turn_ratio)).astype(np.int64)
    return np.minimum(1 + np.where(more, later, 0), chat.max_turn_count).astype(np.int64)


def _messages(
    chat: Chat, parameters: SurfaceParameters, row_key: Keys, step: Ints, scale_ratio: float
) -> tuple[Floats, Ints, Ints]:
    """Gap before each message, the tokens that it adds, and those of its pictures among them."""
    context = parameters.context
    return _write(
        row_key, step, chat.human_gap.log_table(), context.added.log_table(), context.document_ratio,
        context.document.log_table(), scale_ratio, chat.later_image_ratio, np.cumsum(chat.image_count_ratio),
        np.cumsum(chat.image_size_ratio), np.asarray(chat.image_size_tokens), chat.image_other.log_table(),
        chat.image_other_max_tokens,
    )  # fmt: skip


@njit(cache=True, nogil=True)
def _write(
    row_key: Keys,
    step: Ints,
    human_gap: Floats,
    added_law: Floats,
    document_ratio: float,
    document: Floats,
    scale_ratio: float,
    later_image_ratio: float,
    counts: Floats,
    sizes: Floats,
    size_tokens: Floats,
    other_size: Floats,
    other_limit: float,
) -> tuple[Floats, Ints, Ints]:
    """A message brings some pictures, all of one size: a standard one, or any."""
    rows = len(row_key)
    gap_s, added, images = np.zeros(rows), np.zeros(rows, np.int64), np.zeros(rows, np.int64)
    for row in range(rows):
        key = row_key[row]
        if step[row] == 0 or (later_image_ratio > 0.0 and unit_draw(key, BRINGS_IMAGES) < later_image_ratio):
            count = min(int(np.searchsorted(counts, unit_draw(key, IMAGE_COUNT))), len(counts) - 1)
            if count > 0:
                place = int(np.searchsorted(sizes, unit_draw(key, IMAGE_SIZE)))
                if place < len(sizes):
                    images[row] = count * int(size_tokens[place])
                else:
                    size = drawn_count(other_size, normal_draw(key, OTHER_IMAGE_SIZE), 1.0)
                    images[row] = count * min(size, int(other_limit))
        if step[row] == 0:
            continue
        gap_s[row] = drawn_value(human_gap, normal_draw(key, HUMAN_GAP))
        added[row] = images[row] + drawn_count(added_law, normal_draw(key, ADDED), scale_ratio)
        if document_ratio > 0.0 and unit_draw(key, HAS_DOCUMENT) < document_ratio:
            added[row] += drawn_count(document, normal_draw(key, DOCUMENT), scale_ratio)
    return gap_s, added, images
