"""Evidence lines against chips whose distances are known."""

from dataclasses import replace

import pytest

from hwmodel.catalog import ChipDesign
from hwmodel.design.explain import MEASURED_CHIPS, evidence_line
from hwmodel.design.explain.evidence import judged_range
from hwmodel.silicon.distance import distance
from pipelines.exploration.explaining.grounds import measured_chips
from tests.hwmodel.design.planted import h100

H100 = "h100-sxm"


def of(**changes: float) -> ChipDesign:
    return replace(h100(), name="new", **changes)  # type: ignore[arg-type]


def test_the_chips_named_as_measured_are_in_the_catalogue() -> None:
    assert set(measured_chips()) == set(MEASURED_CHIPS)


def test_a_built_chip_is_measured() -> None:
    chips = measured_chips()
    line = evidence_line(chips[H100], chips["h200-sxm"], chips)
    assert (line.kind, line.nearest_chip, line.nearest_distance) == ("measured", "h200-sxm", 0.0)


def test_a_design_inside_the_judged_distances_is_extrapolated() -> None:
    line = evidence_line(h100(), of(hbm_stack_bytes_per_s=h100().hbm_stack_bytes_per_s * 1.8), measured_chips())
    assert (line.kind, line.is_downgraded, line.reason) == ("extrapolated", False, "inside")


def test_a_design_beyond_every_judged_distance_is_downgraded_to_assumed() -> None:
    far = of(matrix_flop_per_clk=h100().matrix_flop_per_clk * 8.0, l2_bytes=h100().l2_bytes * 8.0)
    line = evidence_line(h100(), far, measured_chips())
    assert line.change_distance > line.judged[1]
    assert (line.kind, line.is_downgraded) == ("assumed", True)


def test_a_change_of_links_alone_was_never_judged() -> None:
    line = evidence_line(h100(), of(link_bytes_per_s=h100().link_bytes_per_s * 2.0), measured_chips())
    assert (line.kind, line.is_downgraded, line.change_distance) == ("assumed", True, 0.0)


def test_the_judged_range_is_that_of_the_tested_pairs() -> None:
    chips = measured_chips()
    pairs = [distance(chips[H100], chips["h200-sxm"]), distance(chips["h200-sxm"], chips["b200-sxm"])]
    assert judged_range(chips) == pytest.approx((min(pairs), max(pairs)))
    assert judged_range({}) == (0.0, 0.0)
