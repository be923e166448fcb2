from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from telemetry_sim import surface_parameters
from telemetry_sim.behaviour.draft import INTERRUPTED, REFUSED, SERVED, Ragged, ToolDraft
from telemetry_sim.behaviour.phases import (
    EDIT,
    EXPLAIN,
    OBSERVE,
    OPENS_AFTER_CUT,
    READ_CONTEXT,
    REPAIR,
    TEST,
    SubagentPlan,
    Walk,
    walk_phases,
)
from telemetry_sim.behaviour.tools import draw_tools
from telemetry_sim.laws import Floats
from telemetry_sim.parameters import PHASES, AgentLoop
from telemetry_sim.streams import child_keys, root_key
from warehouse.contracts import Surface

BEHAVIOUR = surface_parameters(Surface.CODEX_LOOP).behaviour
assert isinstance(BEHAVIOUR, AgentLoop)
LOOP: AgentLoop = BEHAVIOUR


SMOOTH = replace(LOOP, interrupt_ratio=0.0, limited_ratio=0.0)


def walked(
    seed: int, counts: list[int], *, spawn: int = -1, rows: int = 0, loop: AgentLoop = SMOOTH, error_ratio: float = 0.0
) -> tuple[Ragged, Walk]:
    row_count = np.asarray(counts, dtype=np.int64)
    ragged = Ragged.of(row_count)
    plan = SubagentPlan(spawn_step=np.full(len(counts), spawn), row_count=np.full(len(counts), rows))
    keys = ragged.row_keys(child_keys(root_key(seed), np.arange(len(counts))))
    return ragged, walk_phases(loop, error_ratio, keys, ragged.first_row, row_count, plan)


def run_tools(walk: Walk) -> tuple[ToolDraft, Floats]:
    count = len(walk.phase)
    keys = child_keys(root_key(0), np.arange(count))
    return draw_tools(LOOP, keys, walk.phase, walk.failed, walk.asks_tools, np.zeros(count, np.bool_))


@given(seed=st.integers(0, 9_999), counts=st.lists(st.integers(1, 80), min_size=1, max_size=6))
def test_a_turn_ends_with_an_explanation_without_tools_and_only_there(seed: int, counts: list[int]) -> None:
    ragged, walk = walked(seed, counts)
    kept = ragged.step < walk.kept_count[ragged.session]
    last_of_session = ragged.step == walk.kept_count[ragged.session] - 1
    last_of_turn = last_of_session | np.append(walk.turn[1:] != walk.turn[:-1], True)
    assert np.array_equal(walk.phase[kept] == EXPLAIN, last_of_turn[kept])
    assert not np.any(walk.asks_tools[kept & last_of_turn])
    assert np.all(walk.asks_tools[kept & ~last_of_turn])


def test_what_failed_is_repaired_and_failed_tests_are_looked_at_first() -> None:
    ragged, walk = walked(1, [20_000])
    same_turn = (walk.turn[1:] == walk.turn[:-1]) & (walk.phase[1:] != EXPLAIN)
    before, after, failed = walk.phase[:-1], walk.phase[1:], walk.failed[:-1]
    inside = same_turn & (ragged.step[1:] < walk.kept_count[0])
    edits, tests = inside & failed & (before == EDIT), inside & failed & (before == TEST)
    assert np.all(after[edits] == REPAIR)
    assert np.all(after[tests] == OBSERVE)


def test_a_session_opens_by_reading_and_gives_up_only_at_its_end() -> None:
    ragged, walk = walked(2, [300] * 400)
    opens = walk.phase[ragged.first_row]
    assert np.all((opens == READ_CONTEXT) | (opens == EXPLAIN))
    assert 0.02 < walk.escalated.mean() < 0.9
    assert np.all(walk.kept_count[~walk.escalated] == 300)
    assert np.all(walk.kept_count[walk.escalated] <= 300)


def test_a_subagent_works_between_the_call_that_started_it_and_the_next_of_its_turn() -> None:
    ragged, walk = walked(3, [30] * 50, spawn=4, rows=10)
    spawn_rows = ragged.first_row + 4
    assert np.all(walk.asks_tools[spawn_rows])
    for offset in range(1, 12):
        assert np.all(walk.turn[spawn_rows + offset] == walk.turn[spawn_rows])
    assert np.all(walk.phase[(spawn_rows[:, None] + np.arange(1, 11)).ravel()] == READ_CONTEXT)


def test_tools_belong_to_rows_that_ask_and_the_slowest_of_a_row_decides_its_time() -> None:
    _, walk = walked(4, [500])
    tools, slowest = run_tools(walk)
    assert np.array_equal(np.unique(tools.row), np.flatnonzero(walk.asks_tools))
    assert np.all(slowest[tools.row] >= tools.duration_s)
    assert slowest.sum() <= tools.duration_s.sum()
    assert np.array_equal(np.unique(tools.row[~tools.ok]), np.flatnonzero(walk.failed & walk.asks_tools))


def test_every_test_runs_a_shell_and_never_only_reads() -> None:
    shares = LOOP.tool_share_ratio[PHASES.index("test")]
    assert shares[3] == 1.0
    _, walk = walked(5, [2_000])
    tools, _ = run_tools(walk)
    assert set(tools.kind[walk.phase[tools.row] == TEST].tolist()) == {3}


def test_an_interrupted_call_ends_its_turn_without_tools_and_a_human_speaks_next() -> None:
    hasty = replace(SMOOTH, interrupt_ratio=0.3)
    ragged, walk = walked(6, [60] * 300, loop=hasty)
    kept = ragged.step < walk.kept_count[ragged.session]
    cut = np.flatnonzero((walk.fate == INTERRUPTED) & kept)
    assert not np.any(walk.asks_tools[cut])
    assert np.all(walk.begins[cut + 1] == OPENS_AFTER_CUT)
    assert np.all(walk.turn[cut + 1] == walk.turn[cut] + 1)
    assert np.all(ragged.session[cut + 1] == ragged.session[cut])
    turns = np.count_nonzero((walk.begins > 0) & kept)
    assert 0.27 < len(cut) / turns < 0.31


def test_a_refused_or_failed_call_is_tried_again_in_the_same_phase_of_the_same_turn() -> None:
    limited = replace(SMOOTH, limited_ratio=0.1)
    ragged, walk = walked(7, [80] * 200, loop=limited, error_ratio=0.05)
    inside = ragged.step < walk.kept_count[ragged.session] - 2
    tried = np.flatnonzero((walk.fate != SERVED) & inside)
    assert len(tried) > 1_000
    assert np.all(walk.turn[tried + 1] == walk.turn[tried])
    assert np.all(walk.phase[tried + 1] == walk.phase[tried])
    assert np.all(walk.attempt[tried + 1] == np.minimum(walk.attempt[tried] + 1, 6))
    assert not np.any(walk.asks_tools[tried])
    assert 0.09 < np.mean(walk.fate[inside] == REFUSED) < 0.11
