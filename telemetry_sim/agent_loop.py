"""Drafts of agents at work: coding loops and autonomous workflows."""

import numpy as np

from telemetry_sim.arrivals import Starts
from telemetry_sim.draft import FAILED, ROOT, SERVED, Draft, Ragged
from telemetry_sim.laws import Bools, Floats, Ints
from telemetry_sim.lengths import PromptPlan, draw_outputs, grow_prompts
from telemetry_sim.parameters import AgentLoop, SurfaceParameters
from telemetry_sim.phases import SubagentPlan, Walk, walk_phases
from telemetry_sim.tools import draw_tools, slowest_tool_s, spawning_rows

MIN_RESULT_TOKENS = 8
"""What a tool result or a human's word adds at least."""


def draft_agents(
    rng: np.random.Generator, parameters: SurfaceParameters, loop: AgentLoop, starts: Starts, *, scale_ratio: float
) -> Draft:
    """Everything that a block of agent sessions would do, columns in the order that `Draft` tells.

    `scale_ratio` scales prompt lengths (growth over days).
    """
    subagents, row_count = _session_sizes(rng, loop, len(starts.client))
    ragged = Ragged.of(row_count)
    rows = len(ragged.session)
    walk = walk_phases(rng, loop, ragged.first_row, row_count, subagents)
    is_subagent = subagents.is_subagent(ragged.session, ragged.step)
    failed_call = rng.random(rows) < parameters.volume.error_ratio
    spawns = spawning_rows(ragged.first_row, subagents.spawn_step, rows)
    failed_call &= ~spawns
    asks = walk.asks_tools & ~failed_call
    tools = draw_tools(rng, loop, walk.phase, walk.failed, asks, spawns)
    approves = asks & ~is_subagent & (rng.random(rows) < loop.approval_ratio)
    approval_s = np.where(approves, loop.approval.times_s(rng.standard_normal(rows)), 0.0)
    busy_s = approval_s + slowest_tool_s(tools, rows)
    gap_s = _gaps(rng, loop, walk, failed_call, busy_s, ragged.step, is_subagent)
    output, reasoning = draw_outputs(rng, parameters.output, rows)
    visible = np.where(failed_call, 0, output - reasoning)
    prompts = grow_prompts(
        rng,
        parameters.context,
        PromptPlan(
            first_row=ragged.first_row,
            row_count=row_count,
            is_subagent=is_subagent,
            visible_tokens=visible,
            added_tokens=_added(rng, parameters, visible, is_subagent, scale_ratio),
            opening_tokens=np.where(is_subagent, loop.subagent_first.tokens(rng.standard_normal(rows)), 0),
            answered=~failed_call,
        ),
        scale_ratio=scale_ratio,
    )
    return Draft(
        client=starts.client,
        start_s=starts.start_s,
        first_row=ragged.first_row,
        row_count=walk.kept_count,
        escalated=walk.escalated,
        session=ragged.session,
        step=ragged.step,
        turn=walk.turn,
        phase=walk.phase,
        is_subagent=is_subagent,
        asks_tools=asks,
        is_watched=~is_subagent,
        gap_s=gap_s,
        idle_s=_idle(gap_s, prompts.parent_row),
        approval_s=approval_s,
        input_tokens=prompts.input_tokens,
        shared_tokens=prompts.shared_tokens,
        parent_row=prompts.parent_row,
        output_tokens=output,
        reasoning_tokens=reasoning,
        image_tokens=np.zeros(rows, np.int64),
        fate=np.where(failed_call, FAILED, SERVED).astype(np.int8),
        tools=tools,
        refusal_s=0.0,
    )


def _session_sizes(rng: np.random.Generator, loop: AgentLoop, sessions: int) -> tuple[SubagentPlan, Ints]:
    """Rows per session: Gamma calls of the main agent, and those of its sub-agent if it starts one."""
    drawn = rng.gamma(loop.calls_shape_ratio, loop.calls_scale_count, sessions)
    main_count = np.maximum(np.ceil(drawn), 1.0).astype(np.int64)
    has_subagent = (rng.random(sessions) < loop.subagent_ratio) & (main_count >= 3)
    spawn_step = (rng.random(sessions) * (main_count - 2)).astype(np.int64)
    subagent_rows = loop.subagent_calls.counts(rng.standard_normal(sessions))
    plan = SubagentPlan(
        spawn_step=np.where(has_subagent, spawn_step, ROOT), row_count=np.where(has_subagent, subagent_rows, 0)
    )
    return plan, main_count + plan.row_count


def _gaps(
    rng: np.random.Generator,
    loop: AgentLoop,
    walk: Walk,
    failed_call: Bools,
    busy_s: Floats,
    step: Ints,
    is_subagent: Bools,
) -> Floats:
    """Time before each row after the end of the row before: human, retry, or client + approval + tools (+ pause)."""
    rows = len(step)
    previous_busy_s = np.concatenate([np.zeros(1), busy_s[:-1]])[:rows]
    previous_failed = np.concatenate([np.zeros(1, np.bool_), failed_call[:-1]])[:rows]
    tool_s = loop.overhead.times_s(rng.standard_normal(rows)) + previous_busy_s
    paused = (rng.random(rows) < loop.pause_ratio) & ~is_subagent
    tool_s += np.where(paused, loop.pause.times_s(rng.standard_normal(rows)), 0.0)
    human_s = loop.human_gap.times_s(rng.standard_normal(rows))
    gap_s = np.where(walk.starts_turn, human_s, np.where(previous_failed, loop.retry_gap_s, tool_s))
    return np.where(step == 0, 0.0, gap_s)


def _added(
    rng: np.random.Generator, parameters: SurfaceParameters, visible: Ints, is_subagent: Bools, scale_ratio: float
) -> Ints:
    """New tokens beyond the previous prompt and answer: the growth law counts the answer, so it is taken out."""
    growth = parameters.context.added.tokens(rng.standard_normal(len(visible)), scale_ratio=scale_ratio)
    previous = np.concatenate([np.zeros(1, np.int64), visible[:-1]])[: len(visible)]
    switches = np.concatenate([np.zeros(1, np.bool_), is_subagent[1:] != is_subagent[:-1]])[: len(visible)]
    return np.maximum(growth - np.where(switches, 0, previous), MIN_RESULT_TOKENS)


def _idle(gap_s: Floats, parent_row: Ints) -> Floats:
    """Gaps since the parent's answer; model time of calls in between is left out (it is not known yet, and short)."""
    total_s = np.cumsum(gap_s)
    return np.where(parent_row == ROOT, 0.0, total_s - total_s[parent_row])
