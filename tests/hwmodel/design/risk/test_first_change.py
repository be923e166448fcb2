"""First changes: legal single steps, and which of them relieve."""

from dataclasses import replace

import pytest

from hwmodel.design import space_around
from hwmodel.design.risk import PLANTS, Step, next_levels
from tests.hwmodel.design.planted import h100


def test_every_step_moves_one_parameter_to_the_next_of_its_levels() -> None:
    space = space_around(h100())
    base = space.values_of_baseline()
    levels = {p.name: sorted(p.levels) for p in space.parameters}
    moves = next_levels(space)
    assert {name for name, *_ in moves} == set(space.names)
    for name, before, after, point in moves:
        changed = {n for n, v in zip(space.names, point, strict=True) if v != pytest.approx(base[n])}
        assert changed == {name}
        between = [level for level in levels[name] if min(before, after) < level < max(before, after)]
        assert before == pytest.approx(base[name])
        assert between == []


def test_taking_memory_away_does_not_relieve_a_demand_that_memory_binds() -> None:
    plant = next(p for p in PLANTS if p.name == "capacity-bound")
    more = Step(parameter="hbm_stacks_count", before=5, after=6, point=(), is_feasible=True, evaluation=None)
    assert plant.is_matched_by(more)
    assert not plant.is_matched_by(replace(more, after=4))
    assert not plant.is_matched_by(replace(more, parameter="link_bytes_per_s"))


def test_a_shorter_latency_relieves_and_a_longer_one_does_not() -> None:
    step = Step(parameter="launch_latency_s", before=4e-6, after=3e-6, point=(), is_feasible=True, evaluation=None)
    assert step.relieves
    assert not replace(step, after=5e-6).relieves


def test_every_plant_says_its_arithmetic_and_what_would_relieve_it() -> None:
    assert len(PLANTS) == 6
    for plant in PLANTS:
        assert plant.why
        assert plant.expected
