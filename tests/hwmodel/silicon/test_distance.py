"""Distances between designs, worked out by hand, and how errors grow with them."""

import numpy as np
import pytest

from hwmodel.silicon.distance import LEAST, distance, growth, to_nearest
from tests.hwmodel.silicon.planted import designs

CHIPS = designs()


def test_distance_is_the_sum_of_log_ratios_worked_out_by_hand() -> None:
    """H100 to H200 changes memory alone: 3.35 to 4.8 TB/s."""
    h100, h200 = CHIPS["h100-sxm"], CHIPS["h200-sxm"]
    assert distance(h100, h200) == pytest.approx(np.log(4.8 / 3.35), rel=0.01)
    assert distance(h200, h100) == pytest.approx(distance(h100, h200))


def test_a_design_lies_the_least_distance_from_itself() -> None:
    assert distance(CHIPS["b200-sxm"], CHIPS["b200-sxm"]) == LEAST


def test_the_nearest_of_some_designs_is_the_twin() -> None:
    h200 = CHIPS["h200-sxm"]
    found = to_nearest(h200, [CHIPS["a100-sxm-80"], CHIPS["h100-sxm"], CHIPS["b200-sxm"]])
    assert found == distance(h200, CHIPS["h100-sxm"])


def test_four_times_the_distance_doubles_the_error() -> None:
    assert growth(4.0, 1.0) == pytest.approx(2.0)
    assert growth(1.0, 4.0) == pytest.approx(0.5)
