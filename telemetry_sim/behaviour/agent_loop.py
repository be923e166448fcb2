"""Drafts of agents at work: coding loops and autonomous workflows."""

import numpy as np
from numba import njit
from scipy.special import gammaincinv

from telemetry_sim.behaviour.draft import INTERRUPTED, REFUSED, ROOT, SERVED, Draft, Opened, Ragged
from telemetry_sim.behaviour.draws import (
    ADDED,
    APPROVAL_TIME,
    BACKOFF,
    CALLS_OF_SESSION,
    DOCUMENT,
    HAS_DOCUMENT,
    HAS_SUBAGENT,
    HUMAN_GAP,
    NEEDS_APPROVAL,
    OVERHEAD,
    PAUSE_TIME,
    PAUSES,
    SPAWN_STEP,
    SUBAGENT_CALLS,
    SUBAGENT_FIRST,
)
from telemetry_sim.behaviour.lengths import PromptPlan, draw_first_prompts, draw_outputs, grow_prompts, starts_fresh
from telemetry_sim.behaviour.models import choose_models
from telemetry_sim.behaviour.phases import GOES_ON, OPENS_AFTER_CUT, SubagentPlan, Walk, walk_phases
from telemetry_sim.behaviour.tools import draw_tools, spawning_rows
from telemetry_sim.laws import Bools, Codes, Floats, Ints, drawn_count, drawn_value
from telemetry_sim.parameters import AgentLoop, SurfaceParameters
from telemetry_sim.population.clients import Clients
from telemetry_sim.streams import Keys, normal_draw, normals, uniforms, unit_draw

MIN_RESULT_TOKENS = 8
"""What a tool result or a human's word adds at least."""
MAX_MAIN_CALLS = 6000
"""No agent's session has more calls of its main agent; steps are written with four digits."""
MAX_SUBAGENT_CALLS = 3000
EARLY_STEPS = 4
"""Calls after a session's first in which the agent may read large documents to find its way."""
APPROVAL_LIMIT_S = 1800.0
"""Nobody's approval takes longer: with the limits of the play, everything stays inside 24 h."""


def draft_agents(
    parameters: SurfaceParameters, loop: AgentLoop, opened: Opened, clients: Clients, *, scale_ratio: float
) -> Draft:
    """Everything that a batch of agent sessions would do; `scale_ratio` scales prompt lengths (growth over days)."""
    subagents, row_count = _session_sizes(loop, opened.key, starts_fresh(parameters.context, opened.key))
    rows = Ragged.of(row_count)
    row_key = rows.row_keys(opened.key)
    walk = walk_phases(loop, parameters.volume.error_ratio, row_key, rows.first_row, row_count, subagents)
    is_subagent = subagents.is_subagent(rows.session, rows.step)
    spawns = spawning_rows(rows.first_row, subagents.spawn_step, len(row_key))
    tools, slowest_s = draw_tools(loop, row_key, walk.phase, walk.failed, walk.asks_tools, spawns)
    output, reasoning = draw_outputs(parameters, row_key, clients.output_normal[opened.client][rows.session])
    answered = (walk.fate == SERVED) | (walk.fate == INTERRUPTED)
    visible = np.where(answered, output - reasoning, 0)
    gap_s, approval_s, added, opening = _between(
        loop, parameters, row_key, rows, walk, slowest_s, visible, is_subagent, scale_ratio
    )
    first = draw_first_prompts(parameters, opened.key, clients.input_normal[opened.client], scale_ratio=scale_ratio)
    prompts = grow_prompts(
        parameters.context,
        PromptPlan(
            first_row=rows.first_row,
            row_count=row_count,
            row_key=row_key,
            is_subagent=is_subagent,
            visible_tokens=visible,
            added_tokens=added,
            opening_tokens=opening,
            answered=walk.fate == SERVED,
            repeats=walk.attempt > 0,
        ),
        first,
    )
    return Draft(
        opened=opened,
        rows=rows,
        row_count=walk.kept_count,
        escalated=walk.escalated,
        is_linked=first.is_linked,
        is_fresh=first.is_fresh,
        row_key=row_key,
        turn=walk.turn,
        phase=walk.phase,
        model=choose_models(parameters.models, opened.key, row_key, rows, row_count, walk.turn, is_subagent),
        is_subagent=is_subagent,
        asks_tools=walk.asks_tools,
        is_watched=~is_subagent,
        opens_turn=walk.begins != GOES_ON,
        gap_s=gap_s,
        approval_s=approval_s,
        input_tokens=prompts.input_tokens,
        shared_tokens=prompts.shared_tokens,
        parent_row=prompts.parent_row,
        output_tokens=output,
        reasoning_tokens=reasoning,
        image_tokens=np.zeros(len(row_key), np.int64),
        fate=walk.fate,
        tools=tools,
        system_tokens=int(parameters.context.system_tokens),
        refusal_s=loop.reject_s,
    )


def _session_sizes(loop: AgentLoop, session_key: Keys, is_fresh: Bools) -> tuple[SubagentPlan, Ints]:
    """Rows per session: Gamma calls of the main agent, and those of its sub-agent if it starts one."""
    scale = loop.calls_scale_count * np.where(is_fresh, 1.0, loop.resumed_calls_ratio)
    drawn = scale * gammaincinv(loop.calls_shape_ratio, uniforms(session_key, int(CALLS_OF_SESSION)))
    main_count = np.clip(np.ceil(drawn), 1.0, MAX_MAIN_CALLS).astype(np.int64)
    has_subagent = (uniforms(session_key, int(HAS_SUBAGENT)) < loop.subagent_ratio) & (main_count >= 3)
    spawn_step = (uniforms(session_key, int(SPAWN_STEP)) * (main_count - 2)).astype(np.int64)
    subagent_rows = np.minimum(
        loop.subagent_calls.counts(normals(session_key, int(SUBAGENT_CALLS))), MAX_SUBAGENT_CALLS
    )
    plan = SubagentPlan(
        spawn_step=np.where(has_subagent, spawn_step, ROOT), row_count=np.where(has_subagent, subagent_rows, 0)
    )
    return plan, main_count + plan.row_count


def _between(
    loop: AgentLoop,
    parameters: SurfaceParameters,
    row_key: Keys,
    rows: Ragged,
    walk: Walk,
    slowest_s: Floats,
    visible: Ints,
    is_subagent: Bools,
    scale_ratio: float,
) -> tuple[Floats, Floats, Ints, Ints]:
    """What lies between a row and the one before: time, approval of this row's tools, new tokens, opened contexts."""
    return _fill(
        row_key, rows.step, walk.begins, walk.attempt, walk.fate, walk.asks_tools, is_subagent, slowest_s, visible,
        loop.approval_ratio, loop.approval.log_table(), loop.overhead.log_table(), loop.pause_ratio,
        loop.pause.log_table(), loop.human_gap.log_table(), loop.interrupt_gap.log_table(), loop.retry_gap_s,
        loop.backoff_s, parameters.context.added.log_table(), parameters.context.document_ratio,
        parameters.context.document.log_table(), loop.subagent_first.log_table(), scale_ratio,
    )  # fmt: skip


@njit(cache=True, nogil=True)
def _document_tokens(key: np.uint64, step: int, document_ratio: float, document: Floats, scale_ratio: float) -> int:
    """Tokens of a document that an early call reads, 0 if it reads none."""
    if step > EARLY_STEPS or unit_draw(key, HAS_DOCUMENT) >= document_ratio:
        return 0
    return drawn_count(document, normal_draw(key, DOCUMENT), scale_ratio)


@njit(cache=True, nogil=True)
def _fill(
    row_key: Keys,
    step: Ints,
    begins: Codes,
    attempt: Codes,
    fate: Codes,
    asks: Bools,
    is_subagent: Bools,
    slowest_s: Floats,
    visible: Ints,
    approval_ratio: float,
    approval: Floats,
    overhead: Floats,
    pause_ratio: float,
    pause: Floats,
    human_gap: Floats,
    interrupt_gap: Floats,
    retry_gap_s: float,
    backoff_s: float,
    added_law: Floats,
    document_ratio: float,
    document: Floats,
    subagent_first: Floats,
    scale_ratio: float,
) -> tuple[Floats, Floats, Ints, Ints]:
    """Gaps: human, retry, or client + approval + tools (+ pause). The growth law counts the answer: it is taken out."""
    rows = len(row_key)
    gap_s, approval_s = np.zeros(rows), np.zeros(rows)
    added, opening = np.zeros(rows, np.int64), np.zeros(rows, np.int64)
    for row in range(rows):
        key = row_key[row]
        if asks[row] and not is_subagent[row] and unit_draw(key, NEEDS_APPROVAL) < approval_ratio:
            approval_s[row] = min(drawn_value(approval, normal_draw(key, APPROVAL_TIME)), APPROVAL_LIMIT_S)
        if is_subagent[row] and not is_subagent[row - 1]:
            opening[row] = drawn_count(subagent_first, normal_draw(key, SUBAGENT_FIRST), 1.0)
        if step[row] == 0:
            continue
        growth = drawn_count(added_law, normal_draw(key, ADDED), scale_ratio)
        previous = visible[row - 1] if is_subagent[row] == is_subagent[row - 1] else 0
        added[row] = max(growth - previous, MIN_RESULT_TOKENS)
        added[row] += _document_tokens(key, step[row], document_ratio, document, scale_ratio)
        if attempt[row] > 0:
            gap_s[row] = retry_gap_s
            if fate[row - 1] == REFUSED:
                gap_s[row] = backoff_s * 2.0 ** (attempt[row] - 1) * (0.5 + unit_draw(key, BACKOFF))
        elif begins[row] == OPENS_AFTER_CUT:
            gap_s[row] = drawn_value(interrupt_gap, normal_draw(key, HUMAN_GAP))
        elif begins[row] != GOES_ON:
            gap_s[row] = drawn_value(human_gap, normal_draw(key, HUMAN_GAP))
        else:
            gap_s[row] = drawn_value(overhead, normal_draw(key, OVERHEAD)) + approval_s[row - 1] + slowest_s[row - 1]
            if pause_ratio > 0.0 and not is_subagent[row] and unit_draw(key, PAUSES) < pause_ratio:
                gap_s[row] += drawn_value(pause, normal_draw(key, PAUSE_TIME))
    return gap_s, approval_s, added, opening
