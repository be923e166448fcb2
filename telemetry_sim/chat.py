"""Drafts of conversations: long-context chats, multimodal chats, always-on assistants."""

import numpy as np

from telemetry_sim.arrivals import Starts
from telemetry_sim.draft import FAILED, ROOT, SERVED, Draft, Ragged, ToolDraft
from telemetry_sim.laws import Ints
from telemetry_sim.lengths import PromptPlan, draw_outputs, grow_prompts
from telemetry_sim.parameters import Chat, SurfaceParameters

NO_PHASE = -1


def draft_chats(
    rng: np.random.Generator, parameters: SurfaceParameters, chat: Chat, starts: Starts, *, scale_ratio: float
) -> Draft:
    """Everything that a block of conversations would do: one call per turn, a human between them."""
    turns = _turn_counts(rng, chat, len(starts.client))
    ragged = Ragged.of(turns)
    rows = len(ragged.session)
    failed_call = rng.random(rows) < parameters.volume.error_ratio
    output, reasoning = draw_outputs(rng, parameters.output, rows)
    image_tokens = _image_tokens(rng, chat, ragged.step)
    message = parameters.context.added.tokens(rng.standard_normal(rows), scale_ratio=scale_ratio)
    document = parameters.context.document.tokens(rng.standard_normal(rows), scale_ratio=scale_ratio)
    attached = rng.random(rows) < parameters.context.document_ratio
    visible = np.where(failed_call, 0, output - reasoning)
    no_subagent = np.zeros(rows, np.bool_)
    prompts = grow_prompts(
        rng,
        parameters.context,
        PromptPlan(
            first_row=ragged.first_row,
            row_count=turns,
            is_subagent=no_subagent,
            visible_tokens=visible,
            added_tokens=message + np.where(attached, document, 0) + image_tokens,
            opening_tokens=image_tokens,
            answered=~failed_call,
        ),
        scale_ratio=scale_ratio,
    )
    gap_s = np.where(ragged.step == 0, 0.0, chat.human_gap.times_s(rng.standard_normal(rows)))
    total_s = np.cumsum(gap_s)
    idle_s = np.where(prompts.parent_row == ROOT, 0.0, total_s - total_s[prompts.parent_row])
    return Draft(
        client=starts.client,
        start_s=starts.start_s,
        first_row=ragged.first_row,
        row_count=turns,
        escalated=np.zeros(len(turns), np.bool_),
        session=ragged.session,
        step=ragged.step,
        turn=ragged.step,
        phase=np.full(rows, NO_PHASE, np.int8),
        is_subagent=no_subagent,
        asks_tools=no_subagent,
        is_watched=~no_subagent,
        gap_s=gap_s,
        idle_s=idle_s,
        approval_s=np.zeros(rows),
        input_tokens=prompts.input_tokens,
        shared_tokens=prompts.shared_tokens,
        parent_row=prompts.parent_row,
        output_tokens=output,
        reasoning_tokens=reasoning,
        image_tokens=image_tokens,
        fate=np.where(failed_call, FAILED, SERVED).astype(np.int8),
        tools=ToolDraft.none(),
        refusal_s=0.0,
    )


def _turn_counts(rng: np.random.Generator, chat: Chat, sessions: int) -> Ints:
    """Turns per session: one, or two and more with a geometric tail."""
    more = rng.random(sessions) < chat.second_turn_ratio
    later = rng.geometric(1.0 - chat.next_turn_ratio, sessions)
    return np.minimum(1 + np.where(more, later, 0), chat.max_turn_count).astype(np.int64)


def _image_tokens(rng: np.random.Generator, chat: Chat, step: Ints) -> Ints:
    """Tokens of the pictures that come with each call: a number of pictures, all of one standard size."""
    rows = len(step)
    counts = np.searchsorted(np.cumsum(chat.image_count_ratio), rng.random(rows), side="right")
    counts = np.minimum(counts, len(chat.image_count_ratio) - 1)
    sizes = np.searchsorted(np.cumsum(chat.image_size_ratio), rng.random(rows), side="right")
    size_tokens = np.asarray(chat.image_size_tokens)[np.minimum(sizes, len(chat.image_size_tokens) - 1)]
    brings = (step == 0) | (rng.random(rows) < chat.later_image_ratio)
    return np.where(brings, counts * size_tokens, 0.0).astype(np.int64)
