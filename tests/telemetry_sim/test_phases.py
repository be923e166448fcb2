import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from telemetry_sim import surface_parameters
from telemetry_sim.draft import Ragged
from telemetry_sim.parameters import PHASES, AgentLoop
from telemetry_sim.phases import EDIT, EXPLAIN, OBSERVE, READ_CONTEXT, REPAIR, TEST, SubagentPlan, Walk, walk_phases
from telemetry_sim.tools import draw_tools, slowest_tool_s
from warehouse.contracts import Surface

LOOP = surface_parameters(Surface.CODEX_LOOP).behaviour
assert isinstance(LOOP, AgentLoop)


def walked(seed: int, counts: list[int], *, spawn: int = -1, rows: int = 0) -> tuple[Ragged, Walk]:
    assert isinstance(LOOP, AgentLoop)
    row_count = np.asarray(counts, dtype=np.int64)
    ragged = Ragged.of(row_count)
    plan = SubagentPlan(spawn_step=np.full(len(counts), spawn), row_count=np.full(len(counts), rows))
    return ragged, walk_phases(np.random.default_rng(seed), LOOP, ragged.first_row, row_count, plan)


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
    assert isinstance(LOOP, AgentLoop)
    _, walk = walked(4, [500])
    nobody = np.zeros(500, np.bool_)
    tools = draw_tools(np.random.default_rng(0), LOOP, walk.phase, walk.failed, walk.asks_tools, nobody)
    assert np.array_equal(np.unique(tools.row), np.flatnonzero(walk.asks_tools))
    slowest = slowest_tool_s(tools, 500)
    assert np.all(slowest[tools.row] >= tools.duration_s)
    assert slowest.sum() <= tools.duration_s.sum()
    assert np.array_equal(np.unique(tools.row[~tools.ok]), np.flatnonzero(walk.failed & walk.asks_tools))


def test_every_test_runs_a_shell_and_never_only_reads() -> None:
    assert isinstance(LOOP, AgentLoop)
    shares = LOOP.tool_share_ratio[PHASES.index("test")]
    assert shares[3] == 1.0
    _, walk = walked(5, [2_000])
    nobody = np.zeros(2_000, np.bool_)
    tools = draw_tools(np.random.default_rng(0), LOOP, walk.phase, walk.failed, walk.asks_tools, nobody)
    assert set(tools.kind[walk.phase[tools.row] == TEST].tolist()) == {3}
