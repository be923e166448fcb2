"""How long answers are and how a session's prompt grows, is rewritten and is compacted."""

from dataclasses import dataclass

import numpy as np
from numba import njit

from telemetry_sim.draft import ROOT
from telemetry_sim.laws import Bools, Floats, Ints
from telemetry_sim.parameters import Context, Output

FIRST_SHARE_OF_LIMIT = 0.8
"""A session never opens with more than this share of its limit: there must be room to work."""


def draw_outputs(rng: np.random.Generator, output: Output, count: int) -> tuple[Ints, Ints]:
    """Output tokens of `count` calls and how many of them are reasoning."""
    tokens = np.minimum(output.answer.tokens(rng.standard_normal(count)), int(output.max_tokens))
    thinks = rng.random(count) < output.reasoning_call_ratio
    span = output.reasoning_high_ratio - output.reasoning_low_ratio
    share = np.where(thinks, output.reasoning_low_ratio + span * rng.random(count), 0.0)
    return tokens, (tokens * share).astype(np.int64)


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
    is_subagent: Bools
    visible_tokens: Ints
    """Answer tokens that stay in the context: output without reasoning."""
    added_tokens: Ints
    """New tokens after the parent's prompt and visible answer."""
    opening_tokens: Ints
    """When a context opens at this row: a sub-agent's whole first prompt, or pictures on top of a session's first."""
    answered: Bools
    """False for calls whose answer never came; the next call's parent is then the one before."""


def grow_prompts(rng: np.random.Generator, context: Context, plan: PromptPlan, *, scale_ratio: float) -> Prompts:
    """Prompts of all rows: fresh or resumed start, growth, rewrites, compaction at the session's limit.

    `scale_ratio` scales first prompts (growth over days); the caller has scaled `added_tokens`.
    """
    sessions, rows = len(plan.first_row), len(plan.added_tokens)
    large = rng.random(sessions) < context.large_limit_ratio
    limit = np.where(large, context.large_limit_tokens, context.limit_tokens).astype(np.int64)
    fresh = rng.random(sessions) < context.fresh_ratio
    normals = rng.standard_normal(sessions)
    first = np.where(
        fresh,
        context.fresh.tokens(normals, scale_ratio=scale_ratio),
        context.resumed.tokens(normals, scale_ratio=scale_ratio),
    )
    first = np.minimum(first, (limit * FIRST_SHARE_OF_LIMIT).astype(np.int64))
    compacted = context.compacted.tokens(rng.standard_normal(rows))
    rewritten = rng.random(rows) < context.rewrite_ratio
    kept_ratio = np.where(rewritten, rng.random(rows) * context.rewrite_kept_ratio, 1.0)
    columns = _grow(
        plan.first_row,
        plan.row_count,
        plan.is_subagent,
        plan.visible_tokens,
        plan.added_tokens,
        plan.opening_tokens,
        plan.answered,
        first,
        limit,
        compacted,
        kept_ratio,
        int(context.system_tokens),
    )
    return Prompts(input_tokens=columns[0], shared_tokens=columns[1], parent_row=columns[2])


@njit(cache=True)
def _grow(
    first_row: Ints,
    row_count: Ints,
    is_subagent: Bools,
    visible: Ints,
    added: Ints,
    opening: Ints,
    answered: Bools,
    first: Ints,
    limit: Ints,
    compacted: Ints,
    kept_ratio: Floats,
    system: int,
) -> tuple[Ints, Ints, Ints]:
    """The recursion over each session's rows; a session has a main context and one of its sub-agent."""
    rows = len(added)
    prompt, shared, parent = np.zeros(rows, np.int64), np.zeros(rows, np.int64), np.full(rows, ROOT, np.int64)
    for s in range(len(first_row)):
        last = np.full(2, ROOT, np.int64)
        for row in range(first_row[s], first_row[s] + row_count[s]):
            lane = 1 if is_subagent[row] else 0
            before = last[lane]
            if before == ROOT:
                prompt[row] = opening[row] + (0 if lane == 1 else first[s])
            else:
                known = prompt[before] + visible[before]
                parent[row] = before
                if known + added[row] > limit[s]:
                    prompt[row] = min(max(compacted[row], system + 1), limit[s] // 2)
                    shared[row] = min(system, prompt[row], prompt[before])
                else:
                    prompt[row] = known + added[row]
                    shared[row] = np.int64(known * kept_ratio[row])
            if answered[row]:
                last[lane] = row
    return prompt, shared, parent
