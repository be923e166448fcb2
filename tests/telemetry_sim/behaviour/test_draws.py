"""Numbers of draws: none twice under one stream, sessions apart from each other."""

import numpy as np
import pytest

from telemetry_sim.behaviour import draws
from telemetry_sim.behaviour.draws import session_keys
from telemetry_sim.streams import child_keys, uniforms
from warehouse.contracts import Surface

OF_A_SESSION = [
    "CALLS_OF_SESSION",
    "HAS_SUBAGENT",
    "SPAWN_STEP",
    "SUBAGENT_CALLS",
    "LARGE_LIMIT",
    "IS_FRESH",
    "FIRST_PROMPT",
    "HAS_MORE_TURNS",
    "LATER_TURNS",
    "FIRST_MODEL",
    "IS_LINKED",
    "MESSAGE",
    "ANSWER",
    "ATTEMPTS",
]
OF_A_TOOL = ["TOOL_KIND", "TOOL_TIME", "TOOL_IS_SLOW"]


def numbers(names: list[str]) -> list[int]:
    return [int(getattr(draws, name)) for name in names]


def test_no_number_is_drawn_twice_from_one_stream() -> None:
    named = [name for name in vars(draws) if isinstance(getattr(draws, name), np.uint64)]
    of_a_row = [name for name in named if name not in {*OF_A_SESSION, *OF_A_TOOL}]
    assert len(of_a_row) > 40
    for names in (OF_A_SESSION, OF_A_TOOL, of_a_row):
        assert len(set(numbers(names))) == len(names)
    assert max(numbers(of_a_row)) < draws.TOOLS


def test_sessions_of_other_surfaces_days_clients_and_numbers_have_other_streams() -> None:
    client, ordinal = np.repeat(np.arange(50), 20), np.tile(np.arange(20), 50)
    keys = [
        session_keys(seed, surface, day, client, ordinal)
        for seed in (1, 2)
        for surface in Surface
        for day in (739_000, 739_001)
    ]
    assert len(np.unique(np.concatenate(keys))) == 2 * len(Surface) * 2 * 1000


def test_rows_of_neighbouring_sessions_draw_unrelated_numbers() -> None:
    client = np.arange(20_000)
    keys = session_keys(7, Surface.CODEX_LOOP, 739_000, client, np.zeros_like(client))
    first, second = uniforms(child_keys(keys, 0), 3), uniforms(child_keys(keys, 1), 3)
    assert first.mean() == pytest.approx(0.5, abs=0.01)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.03
    assert abs(np.corrcoef(first[1:], first[:-1])[0, 1]) < 0.03
