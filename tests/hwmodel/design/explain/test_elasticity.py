"""Elasticities of values whose exponent is planted."""

import numpy as np
import pytest

from hwmodel.design import DesignSpace
from hwmodel.design.explain.corners import Point
from hwmodel.design.explain.elasticity import Elasticity, elasticities_of
from hwmodel.design.space import stepped, steps_around
from tests.hwmodel.design.cheap_replay import small_space


def around(space: DesignSpace, point: Point, values: np.ndarray) -> tuple[Elasticity, ...]:
    steps = steps_around(space, point)
    return elasticities_of(space, steps, space.designs(stepped(point, steps)), values)


def powers(space: DesignSpace, point: Point, name: str, exponent: float) -> np.ndarray:
    rows = stepped(point, steps_around(space, point))
    return rows[:, space.names.index(name)] ** exponent


def test_the_exponent_of_a_planted_power_law_is_found_on_both_sides() -> None:
    space = small_space()
    point = space.base_point
    found = around(space, point, powers(space, point, "clock_hz", 0.7))
    for one in (one for one in found if one.elasticity is not None):
        assert one.elasticity == pytest.approx(0.7 if one.parameter == "clock_hz" else 0.0, abs=1e-9)
        assert one.low is not None
        assert one.high is not None
        assert one.low < (one.elasticity or 0.0) < one.high
    assert {one.side for one in found if one.parameter == "clock_hz"} == {"less", "more"}


def test_a_memory_generation_is_measured_by_its_rate() -> None:
    space = small_space()
    point = space.base_point
    rows = stepped(point, steps_around(space, point))
    rates = np.array([d.hbm_stack_bytes_per_s for d in (space.designs(rows).row(at) for at in range(len(rows)))])
    found = [one for one in around(space, point, rates**0.5) if one.parameter == "hbm_generation"]
    assert [one.elasticity for one in found] == pytest.approx([0.5])


def test_a_side_that_cannot_serve_is_left_out() -> None:
    space = small_space()
    point = space.base_point
    values = powers(space, point, "clock_hz", 1.0)
    values[1] = 0.0
    assert len(around(space, point, values)) == len(values) - 2
