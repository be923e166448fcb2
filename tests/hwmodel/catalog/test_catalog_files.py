"""The data files: every chip, LLM and lane is there, typed, sourced and in SI."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hwmodel.catalog import FIELDS_BY_NAME, Catalog, UnknownId, load_catalog
from hwmodel.catalog.chip_fields import CHIP_FIELDS
from warehouse.contracts.vocabulary import EvidenceKind

CATALOG = load_catalog()
SOURCES = Path(__file__).resolve().parents[3] / "docs" / "sources.md"
FACTS = [(chip.id, name, fact) for chip in CATALOG.chips.values() for name, fact in chip.facts.items()]


def test_all_chips_llms_and_lanes_of_the_research_are_listed() -> None:
    assert (len(CATALOG.chips), len(CATALOG.llms)) == (51, 25)
    assert tuple(CATALOG.lanes) == ("nvidia", "amd", "cerebras", "jalapeno", "cloud", "other-asic")
    assert [lane.id for lane in CATALOG.lanes.values() if lane.is_contrast] == ["other-asic"]


def test_every_chip_is_in_exactly_the_lane_that_it_names() -> None:
    placed = {part: lane.id for lane in CATALOG.lanes.values() for part in lane.parts}
    assert placed == {chip.id: chip.lane for chip in CATALOG.chips.values()}
    assert sum(len(lane.parts) for lane in CATALOG.lanes.values()) == len(CATALOG.chips)


def test_every_known_number_has_a_kind_and_known_sources() -> None:
    for chip, name, fact in FACTS:
        if fact.value is None:
            assert fact.kind is None, (chip, name)
            continue
        assert fact.kind in set(EvidenceKind), (chip, name)
        assert fact.source is not None, (chip, name)
        assert set(fact.source.split(", ")) <= set(CATALOG.sources), (chip, name, fact.source)


def test_recalled_numbers_are_assumed_and_never_published() -> None:
    recalled = [fact for _, _, fact in FACTS if fact.source == "recalled"]
    assert len(recalled) > 20
    assert {fact.kind for fact in recalled} == {EvidenceKind.ASSUMED}


def test_estimates_are_assumed_and_fill_only_nulls() -> None:
    estimated = {chip.id for chip in CATALOG.chips.values() if chip.estimates}
    assert estimated == {"wse-3", "jalapeno"}
    for chip in CATALOG.chips.values():
        for name, fact in chip.estimates.items():
            assert fact.kind is EvidenceKind.ASSUMED
            assert chip.facts[name].value is None


@pytest.mark.parametrize(
    ("chip", "name", "value"),
    [
        ("h100-sxm", "bf16_flop_per_s", 989e12),
        ("h100-sxm", "memory_bytes_per_s", 3.35e12),
        ("h100-sxm", "all_in_w", 1730.0),
        ("h100-sxm", "compute_die_m2", 814e-6),
        ("b200-sxm", "collective_latency_s", 4.53e-6),
        ("a100-sxm-80", "last_level_cache_bytes", 40 * 1024 * 1024),
        ("gb200-nvl72", "rack_power_w", 126e3),
        ("wse-3", "sram_bytes_per_s", 21e15),
        ("a100-sxm-80", "smem_bytes", 192 * 1024),
    ],
)
def test_the_loader_turns_vendor_units_into_si(chip: str, name: str, value: float) -> None:
    assert CATALOG.chip(chip).require(name) == pytest.approx(value, rel=1e-12)


def test_every_source_is_explained_in_the_docs() -> None:
    documented = SOURCES.read_text(encoding="utf-8")
    assert [key for key in CATALOG.sources if f"| `{key}` |" not in documented] == []


def test_the_catalogue_is_read_once() -> None:
    assert load_catalog() is CATALOG


def test_field_names_are_unique_and_their_meaning_is_told() -> None:
    assert len(FIELDS_BY_NAME) == len({field.name for field in FIELDS_BY_NAME.values()}) == 44
    assert len(CHIP_FIELDS) == 29
    assert all(field.meaning and field.si_factor > 0.0 for field in FIELDS_BY_NAME.values())


@pytest.mark.parametrize(("wrong", "close"), [("h100", "h100-sxm"), ("H200-SXM", "h200-sxm"), ("mi300", "mi300x")])
def test_an_unknown_chip_names_close_ids_and_the_list_command(wrong: str, close: str) -> None:
    with pytest.raises(UnknownId, match=close) as caught:
        CATALOG.chip(wrong)
    assert "scoville chip list" in str(caught.value)


@pytest.mark.parametrize("ask", [Catalog.chip, Catalog.llm, Catalog.lane])
def test_an_id_like_nothing_on_file_still_gets_a_way_out(ask: Callable[[Catalog, str], object]) -> None:
    with pytest.raises(UnknownId, match=r"prints all|known: "):
        ask(CATALOG, "<script>")
