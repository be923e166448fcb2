"""Single steps of a space: what they move, how far, and whether they relieve."""

from dataclasses import replace

import numpy as np
import pytest

from hwmodel.design import space_around
from hwmodel.design.space import Step, next_levels, steps_around
from tests.hwmodel.design.cheap_replay import small_space
from tests.hwmodel.design.planted import h100


def test_every_step_moves_one_parameter_to_the_next_of_its_levels() -> None:
    space = space_around(h100())
    base = space.values_of_baseline()
    levels = {p.name: sorted(p.levels) for p in space.parameters}
    steps = steps_around(space, space.base_point)
    assert {step.parameter for step in steps} == set(space.names)
    for step in steps:
        low, high = sorted((step.before, step.after))
        assert space.names[step.column] == step.parameter
        assert step.before == pytest.approx(base[step.parameter])
        assert [level for level in levels[step.parameter] if low < level < high] == []


def test_a_shorter_latency_relieves_and_a_longer_one_does_not() -> None:
    step = Step(parameter="launch_latency_s", column=0, before=4e-6, after=3e-6)
    assert step.relieves
    assert not replace(step, after=5e-6).relieves


def test_next_levels_are_neighbours_and_none_beyond_the_ends() -> None:
    parameter = small_space().parameters[small_space().names.index("clock_hz")]
    first, second, third, *_, last = sorted(parameter.levels)
    assert next_levels(parameter, first) == [second]
    assert len(next_levels(parameter, last)) == 1
    assert next_levels(parameter, second) == [first, third]


def test_a_step_is_as_long_as_the_number_that_it_stands_for() -> None:
    space = space_around(h100())
    dies = next(step for step in steps_around(space, space.base_point) if step.parameter == "hbm_extra_dies_count")
    taller = replace(h100(), hbm_stack_bytes=1.5 * h100().hbm_stack_bytes)
    assert dies.log_change(h100(), taller) == pytest.approx(np.log(1.5))
    assert replace(dies, parameter="fabric").log_change(h100(), taller) is None
