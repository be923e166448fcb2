"""The laws of acceptance: sourced, possible, and what their sources say."""

from pathlib import Path

import pytest

from hwmodel.catalog import BadSpec, UnknownId
from hwmodel.catalog.acceptance import acceptance_law, load_acceptance

SOURCES = (Path(__file__).resolve().parents[3] / "docs" / "sources.md").read_text(encoding="utf-8")


def test_every_law_names_a_known_source() -> None:
    assert len(load_acceptance()) >= 5
    for law in load_acceptance().values():
        assert f"| `{law.source}` |" in SOURCES, law.id


def test_chances_lie_between_0_and_1_and_never_grow() -> None:
    for law in load_acceptance().values():
        chances = law.chances(3 if law.alpha is not None else len(law.by_place or ()))
        assert all(0.0 < chance < 1.0 for chance in chances), law.id
        assert list(chances) == sorted(chances, reverse=True), law.id


def test_means_are_those_that_were_published() -> None:
    """Tokens per step: 3.53 of EAGLE-3; 4.40 of eight MTP drafts; n-grams 1.95 and 2.96 over all steps."""
    for law_id, drafts, mean in (
        ("eagle3-llama-3.1-8b", 7, 3.53),
        ("mtp-gsm8k", 8, 4.40),
        ("ngram-instructcoder", 5, 1.95),
        ("ngram-edit", 5, 2.96),
    ):
        assert 1.0 + sum(acceptance_law(law_id).chances(drafts)) == pytest.approx(mean, rel=0.005), law_id


def test_unknown_laws_and_more_drafts_than_were_published_are_refused() -> None:
    with pytest.raises(UnknownId, match="deepseek-v3-mtp"):
        acceptance_law("eagle")
    with pytest.raises(BadSpec, match="known for 1 drafts, not for 3"):
        acceptance_law("deepseek-v3-mtp").chances(3)
