from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from telemetry_sim import surface_parameters
from telemetry_sim.behaviour.draft import ROOT, Ragged
from telemetry_sim.behaviour.lengths import PromptPlan, Prompts, draw_first_prompts, draw_outputs, grow_prompts
from telemetry_sim.parameters import Context, SurfaceParameters
from telemetry_sim.streams import child_keys, root_key
from warehouse.contracts import Surface

CODEX = surface_parameters(Surface.CODEX_LOOP)
CONTEXT = CODEX.context


def grown(seed: int, counts: list[int], added: int, context: Context = CONTEXT) -> tuple[PromptPlan, Prompts]:
    row_count = np.asarray(counts, dtype=np.int64)
    rows = int(row_count.sum())
    session_key = child_keys(root_key(seed), np.arange(len(counts)))
    plan = PromptPlan(
        first_row=Ragged.of(row_count).first_row,
        row_count=row_count,
        row_key=Ragged.of(row_count).row_keys(session_key),
        is_subagent=np.zeros(rows, np.bool_),
        visible_tokens=np.full(rows, 100, np.int64),
        added_tokens=np.full(rows, added, np.int64),
        opening_tokens=np.zeros(rows, np.int64),
        answered=np.ones(rows, np.bool_),
        repeats=np.zeros(rows, np.bool_),
    )
    parameters = replace(CODEX, context=context)
    first = draw_first_prompts(parameters, session_key, np.zeros(len(counts)), scale_ratio=1.0)
    return plan, grow_prompts(context, plan, first)


@given(
    seed=st.integers(0, 999), counts=st.lists(st.integers(1, 60), min_size=1, max_size=8), added=st.integers(1, 30_000)
)
def test_a_prompt_shares_no_more_than_it_has_and_never_passes_the_limit(
    seed: int, counts: list[int], added: int
) -> None:
    _, prompts = grown(seed, counts, added)
    assert np.all(prompts.shared_tokens <= prompts.input_tokens)
    assert np.all(prompts.input_tokens >= 1)
    assert prompts.input_tokens.max() <= CONTEXT.large_limit_tokens
    assert np.all(prompts.parent_row < np.arange(len(prompts.parent_row)))


def test_without_rewrites_and_limits_a_prompt_is_parent_plus_answer_plus_new_tokens() -> None:
    free = replace(CONTEXT, rewrite_ratio=0.0, limit_tokens=5e6, large_limit_tokens=5e6)
    _, prompts = grown(1, [40, 25], 70, free)
    child = np.flatnonzero(prompts.parent_row != ROOT)
    parent = prompts.parent_row[child]
    assert np.array_equal(prompts.input_tokens[child], prompts.input_tokens[parent] + 170)
    assert np.array_equal(prompts.shared_tokens[child], prompts.input_tokens[parent] + 100)
    assert np.array_equal(np.flatnonzero(prompts.parent_row == ROOT), [0, 40])


def test_compaction_drops_the_prompt_and_keeps_only_the_system_prompt_shared() -> None:
    _, prompts = grown(2, [200], 9_000)
    drops = np.flatnonzero(np.diff(prompts.input_tokens) < 0) + 1
    assert len(drops) > 0
    assert np.all(prompts.input_tokens[drops] <= CONTEXT.large_limit_tokens / 2)
    assert np.all(prompts.shared_tokens[drops] == int(CONTEXT.system_tokens))


def test_a_call_that_failed_is_nobodys_parent_and_is_repeated_as_it_was() -> None:
    rows = 6
    keys = child_keys(root_key(1), np.arange(1))
    plan = PromptPlan(
        first_row=np.zeros(1, np.int64),
        row_count=np.array([rows]),
        row_key=child_keys(keys, np.arange(rows)),
        is_subagent=np.array([False, False, True, True, False, False]),
        visible_tokens=np.full(rows, 10, np.int64),
        added_tokens=np.full(rows, 20, np.int64),
        opening_tokens=np.full(rows, 500, np.int64),
        answered=np.array([True, True, True, True, False, True]),
        repeats=np.array([False, False, False, False, False, True]),
    )
    prompts = grow_prompts(CONTEXT, plan, draw_first_prompts(CODEX, keys, np.zeros(1), scale_ratio=1.0))
    assert prompts.parent_row.tolist() == [ROOT, 0, ROOT, 2, 1, 1]
    assert prompts.input_tokens[2] == 500
    assert prompts.input_tokens[4] == prompts.input_tokens[5]
    assert prompts.shared_tokens[4] == prompts.shared_tokens[5]


def test_reasoning_is_part_of_the_output() -> None:
    output = CODEX.output
    tokens, reasoning = drawn_outputs(CODEX, 20_000)
    assert np.all((reasoning >= 0) & (reasoning <= tokens))
    assert tokens.min() >= 1
    assert tokens.max() <= output.max_tokens
    thinking = (reasoning > 0).mean()
    assert abs(thinking - output.reasoning_call_ratio) < 0.02


def drawn_outputs(parameters: SurfaceParameters, count: int) -> tuple[np.ndarray, np.ndarray]:
    return draw_outputs(parameters, child_keys(root_key(3), np.arange(count)), np.zeros(count))


def test_thinking_calls_spend_as_much_on_it_as_deepseek_r1_does() -> None:
    # ServeGen deepseek-r1: mean share .72, median .79, 29 % of requests above .9 (traces.md section 2)
    always = replace(CODEX.output, reasoning_call_ratio=1.0, reasoning_low_ratio=0.1, reasoning_high_ratio=0.9)
    answer = replace(always.answer, median_tokens=5_000.0, sigma_ratio=0.0)
    volume = replace(CODEX.volume, client_output_share_ratio=0.0)
    parameters = replace(CODEX, output=replace(always, answer=answer), volume=volume)
    tokens, reasoning = drawn_outputs(parameters, 40_000)
    share = reasoning / tokens
    assert abs(share.mean() - 0.72) < 0.02
    assert abs(float(np.median(share)) - 0.79) < 0.03
    assert abs((share > 0.9).mean() - 0.29) < 0.01
