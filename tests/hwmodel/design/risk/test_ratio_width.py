"""The width of a ratio's interval, from pairs of chips whose errors are known."""

import pytest

from hwmodel.catalog import design_of, load_catalog
from hwmodel.design.risk import PairError, width_for
from hwmodel.silicon.distance import distance


def pair(length: float, error: float) -> PairError:
    return PairError(source="made up", before="a", after="b", runs=9, distance=length, log_error=error)


def test_the_width_is_that_of_the_worst_pair_and_grows_with_the_root_of_the_distance() -> None:
    catalog = load_catalog()
    h100, h200, b200 = (design_of(catalog.chip(n), allow_estimates=False) for n in ("h100-sxm", "h200-sxm", "b200-sxm"))
    pairs = [pair(4.0, 0.2), pair(1.0, 0.15)]
    near, far = width_for(pairs, h100, h200), width_for(pairs, h100, b200)
    assert near == pytest.approx(0.15 * distance(h100, h200) ** 0.5)
    assert far / near == pytest.approx((distance(h100, b200) / distance(h100, h200)) ** 0.5)
