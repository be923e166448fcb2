"""The silicon interval: wider with every change, the same factor up and down."""

from itertools import combinations

import pytest

from hwmodel.design import silicon_interval, space_around
from hwmodel.design.silicon import LOG_ERROR_90
from tests.hwmodel.design.planted import h100


@pytest.mark.parametrize("ratio", [0.5, 1.0, 1.7])
def test_the_interval_reaches_as_far_down_as_up_in_log(ratio: float) -> None:
    for count in range(1, 4):
        for changed in combinations(LOG_ERROR_90, count):
            low, high = silicon_interval(changed, ratio)
            assert low < ratio < high
            assert ratio / low == pytest.approx(high / ratio)


def test_every_further_change_makes_the_interval_wider() -> None:
    names = list(LOG_ERROR_90)
    widths = [high / low for low, high in (silicon_interval(names[:count], 1.2) for count in range(len(names) + 1))]
    assert widths == sorted(set(widths))


def test_errors_add_in_squares() -> None:
    one = silicon_interval(["hbm_stacks_count"], 1.0)[1]
    assert one == pytest.approx(1.10517, rel=1e-5)  # exp(0.10)
    assert silicon_interval(["hbm_stacks_count", "hbm_generation"], 1.0)[1] == pytest.approx(1.15191, rel=1e-5)


def test_no_change_has_no_error() -> None:
    assert silicon_interval([], 1.3) == (1.3, 1.3)


def test_every_parameter_of_the_space_has_an_error() -> None:
    assert set(space_around(h100()).names) == set(LOG_ERROR_90)
