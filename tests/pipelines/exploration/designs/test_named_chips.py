"""Real chips in a report: the compared ones are few, and cards that only judge the model are left out."""

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from hwmodel.catalog import Purpose, load_catalog
from pipelines.exploration.designs.named_chips import COMPARED, refused_chips

if TYPE_CHECKING:
    from hwmodel.design import SearchResult

CHIPS = load_catalog().chips
FOUND = cast("SearchResult", SimpleNamespace(baseline=SimpleNamespace(design=SimpleNamespace(name="h100-sxm"))))
REASONS = dict(refused_chips(FOUND, [], allow_estimates=False).select("name", "reason").iter_rows())


def test_chips_that_a_report_compares_are_chips_of_fleets() -> None:
    assert {CHIPS[chip].purpose for chip in COMPARED} == {Purpose.FLEET}


def test_every_chip_of_a_fleet_without_an_answer_has_a_reason_and_yardsticks_are_left_out() -> None:
    fleet = {spec.id for spec in CHIPS.values() if spec.purpose is Purpose.FLEET}
    assert set(REASONS) == fleet - {"h100-sxm"}
    assert all(REASONS.values())
    assert {"rtx-4090", "p4", "a800"}.isdisjoint(REASONS)


def test_a_reason_tells_secret_numbers_from_memory_that_no_design_has() -> None:
    assert "GDDR6" in REASONS["l40s"]
    assert "not public" in REASONS["tpu-8i"]
    assert "try it as --baseline" in REASONS["h20"]
