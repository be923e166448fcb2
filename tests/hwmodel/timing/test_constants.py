"""Constants outside what is physically possible are refused."""

import pytest

from hwmodel.timing import FIRST_CONSTANTS, BadConstants, TimingConstants


@pytest.mark.parametrize(("name", "value"), [("hbm_ratio", 1.01), ("wave_clk", 0.0), ("l2_ratio", float("nan"))])
def test_impossible_constants_are_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(BadConstants, match=name):
        TimingConstants(**{name: value})


def test_first_constants_stay_inside_the_bounds_of_the_notes() -> None:
    assert 0.75 <= FIRST_CONSTANTS.hbm_ratio <= 0.93
    assert 0.25 <= FIRST_CONSTANTS.l2_ratio <= 0.95
    assert FIRST_CONSTANTS.matrix_ratio <= 1.0
