"""How long answers are and how a session's prompt grows, is rewritten and is compacted."""

from dataclasses import dataclass

import numpy as np
from numba import njit

from telemetry_sim.behaviour.draft import ROOT
from telemetry_sim.behaviour.draws import (
    COMPACTED,
    FIRST_PROMPT,
    IS_FRESH,
    IS_LINKED,
    LARGE_LIMIT,
    OUTPUT,
    REWRITE_KEPT,
    REWRITES,
    THINKING_SHARE,
    THINKS,
    THINKS_MOST,
)
from telemetry_sim.laws import Bools, Floats, Ints, drawn_count
from telemetry_sim.parameters import Context, SurfaceParameters
from telemetry_sim.population.clients import blended
from telemetry_sim.streams import Keys, normal_draw, normals, uniforms, unit_draw

FIRST_SHARE_OF_LIMIT = 0.8
"""A session never opens with more than this share of its limit: there must be room to work."""


def draw_outputs(parameters: SurfaceParameters, row_key: Keys, client_normal: Floats) -> tuple[Ints, Ints]:
    """Output tokens of calls and how many of them are reasoning.

    `client_normal` is where each row's client lies among the clients; it carries its declared part of the variance.

    A call that thinks spends nearly all its output on it with chance `reasoning_most_ratio` (uniform from the high
    share to 1), else a share between low and high that leans high (low + span x u to the power of 1/2).
    """
    output, share = parameters.output, parameters.volume.client_output_share_ratio
    return _outputs(
        row_key,
        np.sqrt(share) * client_normal,
        np.sqrt(1.0 - share),
        output.answer.log_table(),
        int(output.max_tokens),
        output.reasoning_call_ratio,
        output.reasoning_low_ratio,
        output.reasoning_high_ratio,
        output.reasoning_most_ratio,
    )


@njit(cache=True, nogil=True)
def _outputs(
    row_key: Keys,
    client_part: Floats,
    own_ratio: float,
    table: Floats,
    limit: int,
    thinks_ratio: float,
    low: float,
    high: float,
    most_ratio: float,
) -> tuple[Ints, Ints]:
    tokens, reasoning = np.empty(len(row_key), np.int64), np.zeros(len(row_key), np.int64)
    for row in range(len(row_key)):
        key = row_key[row]
        normal = client_part[row] + own_ratio * normal_draw(key, OUTPUT)
        tokens[row] = min(drawn_count(table, normal, 1.0), limit)
        if unit_draw(key, THINKS) < thinks_ratio:
            share = unit_draw(key, THINKING_SHARE)
            if unit_draw(key, THINKS_MOST) < most_ratio:
                share = high + (1.0 - high) * share
            else:
                share = low + (high - low) * np.sqrt(share)
            reasoning[row] = int(tokens[row] * share)
    return tokens, reasoning


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstPrompts:
    """Columns over sessions: how their contexts start."""

    tokens: Ints
    limit_tokens: Ints
    is_fresh: Bools
    is_linked: Bools


def starts_fresh(context: Context, session_key: Keys) -> Bools:
    """Which sessions start with a fresh prompt."""
    return np.asarray(uniforms(session_key, int(IS_FRESH)) < context.fresh_ratio, dtype=np.bool_)


def draw_first_prompts(
    parameters: SurfaceParameters, session_key: Keys, client_normal: Floats, *, scale_ratio: float
) -> FirstPrompts:
    """Fresh or resumed starts under each session's limit; `scale_ratio` is the growth of prompts over days.

    A session whose first prompt leaves no room to work under the usual limit runs with the large one.
    `client_normal` is where each session's client lies among the clients; it carries its declared part of the variance.
    """
    context = parameters.context
    fresh = starts_fresh(context, session_key)
    own = normals(session_key, int(FIRST_PROMPT))
    drawn = blended(client_normal, own, parameters.volume.client_input_share_ratio)
    first = np.where(
        fresh,
        context.fresh.tokens(drawn, scale_ratio=scale_ratio),
        context.resumed.tokens(drawn, scale_ratio=scale_ratio),
    )
    needs_large = first > FIRST_SHARE_OF_LIMIT * context.limit_tokens
    large = needs_large | (uniforms(session_key, int(LARGE_LIMIT)) < context.large_limit_ratio)
    limit = np.where(large, context.large_limit_tokens, context.limit_tokens).astype(np.int64)
    return FirstPrompts(
        tokens=np.minimum(first, (limit * FIRST_SHARE_OF_LIMIT).astype(np.int64)),
        limit_tokens=limit,
        is_fresh=fresh,
        is_linked=np.asarray(uniforms(session_key, int(IS_LINKED)) < context.linked_ratio, dtype=np.bool_),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompts:
    """Columns over rows: the prompt, what it shares, and with whom."""

    input_tokens: Ints
    shared_tokens: Ints
    parent_row: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptPlan:
    """What decides prompts: columns over sessions (first_row, row_count), then over rows."""

    first_row: Ints
    row_count: Ints
    row_key: Keys
    is_subagent: Bools
    visible_tokens: Ints
    """Answer tokens that stay in the context: output without reasoning."""
    added_tokens: Ints
    """New tokens after the parent's prompt and visible answer."""
    opening_tokens: Ints
    """When a context opens at this row: a sub-agent's whole first prompt, or pictures on top of a session's first."""
    answered: Bools
    """False for calls whose answer never came; the next call's parent is then the one before."""
    repeats: Bools
    """Rows that try the request of the row before again: the same prompt."""


def grow_prompts(context: Context, plan: PromptPlan, first: FirstPrompts) -> Prompts:
    """Prompts of all rows: fresh or resumed start, growth, rewrites, compaction at the session's limit."""
    columns = _grow(
        plan.first_row,
        plan.row_count,
        plan.row_key,
        plan.is_subagent,
        plan.visible_tokens,
        plan.added_tokens,
        plan.opening_tokens,
        plan.answered,
        plan.repeats,
        first.tokens,
        first.limit_tokens,
        context.compacted.log_table(),
        np.array([context.rewrite_ratio, context.rewrite_kept_ratio]),
        int(context.system_tokens),
    )
    return Prompts(input_tokens=columns[0], shared_tokens=columns[1], parent_row=columns[2])


@njit(cache=True, nogil=True)
def _grow(
    first_row: Ints,
    row_count: Ints,
    row_key: Keys,
    is_subagent: Bools,
    visible: Ints,
    added: Ints,
    opening: Ints,
    answered: Bools,
    repeats: Bools,
    first: Ints,
    limit: Ints,
    compacted: Floats,
    rewrite: Floats,
    system: int,
) -> tuple[Ints, Ints, Ints]:
    """The recursion over each session's rows; a session has a main context and one of its sub-agent."""
    rows = len(added)
    prompt, shared, parent = np.zeros(rows, np.int64), np.zeros(rows, np.int64), np.full(rows, ROOT, np.int64)
    last = np.full(2, ROOT, np.int64)
    for s in range(len(first_row)):
        last[:] = ROOT
        for row in range(first_row[s], first_row[s] + row_count[s]):
            lane = 1 if is_subagent[row] else 0
            before = last[lane]
            if repeats[row] and row > first_row[s]:
                prompt[row], shared[row], parent[row] = prompt[row - 1], shared[row - 1], parent[row - 1]
            elif before == ROOT:
                prompt[row] = opening[row] + (0 if lane == 1 else first[s])
            else:
                key = row_key[row]
                known = prompt[before] + visible[before]
                parent[row] = before
                if known + added[row] > limit[s]:
                    size = drawn_count(compacted, normal_draw(key, COMPACTED), 1.0)
                    prompt[row] = min(max(size, system + 1), limit[s] // 2)
                    shared[row] = min(system, prompt[row], prompt[before])
                else:
                    prompt[row] = known + added[row]
                    shared[row] = known
                    if unit_draw(key, REWRITES) < rewrite[0]:
                        shared[row] = np.int64(known * rewrite[1] * unit_draw(key, REWRITE_KEPT))
            if answered[row]:
                last[lane] = row
    return prompt, shared, parent
