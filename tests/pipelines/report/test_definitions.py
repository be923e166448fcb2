"""Words are explained where they stand, once a text, and never let markup through."""

import re
from pathlib import Path

from pipelines.report.definitions import defined, glossary

GLOSSARY = Path(__file__).resolve().parents[3] / "docs" / "glossary.md"


def terms(text: str) -> list[str]:
    return re.findall(r'class="term" tabindex="0">([^<]+)<', str(defined(text)))


def test_the_first_mention_of_a_word_is_explained_and_the_next_are_not() -> None:
    assert terms("HBM of the baseline, and HBM again") == ["HBM", "baseline"]
    assert str(defined("HBM")).count(glossary()["HBM"]) == 1


def test_a_word_is_found_in_plural_and_at_the_start_of_a_sentence_but_not_inside_another() -> None:
    assert terms("Finalists and surfaces") == ["Finalists", "surfaces"]
    assert terms("resurfaced TTFTs unbaselined L20") == ["TTFTs"]
    assert terms("hbm") == []


def test_the_longer_word_wins() -> None:
    assert terms("the emulator interval of the value per dollar") == ["emulator interval", "value per dollar"]


def test_markup_around_a_word_stays_text() -> None:
    text = str(defined("<script>HBM</script> & 'x'"))
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert "&amp;" in text


def test_every_word_that_the_report_explains_has_a_row_in_the_glossary() -> None:
    cells = re.findall(r"^\| ([^|]+?) \|", GLOSSARY.read_text(encoding="utf-8"), re.MULTILINE)
    words = {word.strip() for cell in cells for word in cell.split(",")}
    assert set(glossary()) - words == set()
