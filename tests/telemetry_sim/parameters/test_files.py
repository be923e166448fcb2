from importlib.resources import files
from pathlib import Path

import pytest

from telemetry_sim import ParameterError, parse_surface, surface_parameters
from warehouse.contracts import Surface

ROOT = Path(__file__).resolve().parents[3]


def shipped(surface: Surface) -> str:
    return (files("telemetry_sim") / "surfaces" / f"{surface.value}.yaml").read_text(encoding="utf-8")


def edited(old: str, new: str, surface: Surface = Surface.CODEX_LOOP) -> str:
    text = shipped(surface)
    assert text.count(old) >= 1
    return text.replace(old, new, 1)


@pytest.mark.parametrize("surface", list(Surface))
def test_every_surface_loads_and_every_number_says_where_it_is_from(surface: Surface) -> None:
    parameters = surface_parameters(surface)
    assert parameters.surface is surface
    assert len(parameters.evidence) == shipped(surface).count("source:")


@pytest.mark.parametrize("surface", list(Surface))
def test_every_source_is_a_row_of_the_sources_document(surface: Surface) -> None:
    rows = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8").splitlines()
    known = {row.split("|")[1].strip().strip("`") for row in rows if row.startswith("|")}
    assert {entry.source for entry in surface_parameters(surface).evidence} <= known


def test_a_number_outside_its_limits_is_refused_with_file_key_value_and_limit() -> None:
    text = edited("error_ratio: { value: 0.004", "error_ratio: { value: 0.9")
    with pytest.raises(ParameterError, match=r"codex\.yaml: volume\.error_ratio: value 0\.9 is outside \[0\.0, 0\.2\]"):
        parse_surface(text, Surface.CODEX_LOOP, "codex.yaml")


def test_an_unknown_key_is_refused_by_name() -> None:
    text = edited("  error_ratio:", "  eror_ratio: { value: 0.1, source: assumed, kind: assumed }\n  error_ratio:")
    with pytest.raises(ParameterError, match="volume has unknown keys eror_ratio"):
        parse_surface(text, Surface.CODEX_LOOP, "codex.yaml")


def test_a_missing_section_is_refused_by_name() -> None:
    with pytest.raises(ParameterError, match="lacks the keys cache"):
        parse_surface(
            edited("\ncache:", "\nlatency_old:").replace("latency_old:", "x: 1\n#", 1).split("x: 1")[0]
            + "\nlatency: {}\npatience: {}\nbehaviour: {}\n",
            Surface.CODEX_LOOP,
            "codex.yaml",
        )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("kind: measured", "kind: guessed", "kind 'guessed' is none of"),
        ("value: [0.45, 0.3, 0.25]", "value: [0.45, 0.3, 0.2]", "must sum to 1"),
        ("value: [0.45, 0.3, 0.25]", "value: [0.45, 0.55]", r"shape \(2,\) must be \(3,\)"),
        ("paid_ratio: { value: 0.8", "paid_ratio: { value: null", "outside|not a number"),
        ("paid_ratio: { value: 0.8", "paid_ratio: { value: lots", "not a number"),
        ("paid_ratio: { value: 0.8", "paid_ratio: { value: [0.8]", "expected"),
        ("give_up_after_count: { value: 8", "give_up_after_count: { value: 8.5", "whole number"),
    ],
)
def test_a_broken_leaf_is_refused_with_its_reason(old: str, new: str, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        parse_surface(edited(old, new), Surface.CODEX_LOOP, "codex.yaml")


def test_text_that_is_not_yaml_is_refused_in_one_error() -> None:
    with pytest.raises(ParameterError, match="not readable as YAML"):
        parse_surface("volume: [", Surface.CODEX_LOOP, "codex.yaml")
    with pytest.raises(ParameterError, match="must hold the keys"):
        parse_surface("", Surface.CODEX_LOOP, "codex.yaml")
