"""Chips as rows: a card that is no design is listed, shown and compared, and says that its kernels are timed."""

import pytest

from hwmodel.catalog import load_catalog
from pipelines.chip_view import chip_rows, comparison_rows, fact_rows, physical_rows, unknown_numbers

ABILITIES = {row["chip"]: row["can be a design"] for row in chip_rows()}


def test_every_chip_is_listed_with_what_it_can_be() -> None:
    assert list(ABILITIES) == list(load_catalog().chips)
    assert (ABILITIES["h20"], ABILITIES["l40s"], ABILITIES["p4"]) == ("yes", "no: only timed", "no: only timed")
    assert (ABILITIES["jalapeno"], ABILITIES["tpu-8i"]) == ("with --allow-estimates", "no: numbers are not public")


@pytest.mark.parametrize("chip", list(load_catalog().chips))
def test_every_chip_is_shown_with_each_number_once(chip: str) -> None:
    shown = [row["number"] for row in fact_rows(chip, allow_estimates=False)]
    assert len(shown) == len(set(shown))
    assert set(shown).isdisjoint(unknown_numbers(chip, allow_estimates=False))


def test_the_rate_of_a_format_that_is_not_built_in_is_not_called_secret() -> None:
    assert not [text for text in unknown_numbers("t4", allow_estimates=False) if "bf16" in text and "peak at" in text]
    assert "dense peak at fp4" not in unknown_numbers("l40s", allow_estimates=False)
    assert "dense peak at bf16" in unknown_numbers("tpu-8i", allow_estimates=False)


def test_a_card_beside_a_module_has_numbers_but_no_modelled_cost() -> None:
    rows = {row["number"]: row for row in comparison_rows(["h100-sxm", "l40s"], allow_estimates=False)}
    assert (rows["memory bandwidth"]["h100-sxm"], rows["memory bandwidth"]["l40s"]) == ("3.35 Tbyte/s", "864 Gbyte/s")
    assert rows["clock held in long dense kernels, at least"]["l40s"] == "1.961 GHz"
    modelled, refusals = physical_rows(["h100-sxm", "l40s"], allow_estimates=False)
    assert all("h100-sxm" in row and "l40s" not in row for row in modelled)
    assert len(refusals) == 1
    assert "GDDR6" in refusals[0]
