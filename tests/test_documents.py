"""The documents hold what they promise: sources for every number, commands that exist, links that lead somewhere."""

import ast
import re
import struct
import tomllib
from functools import cache
from itertools import product
from pathlib import Path

import polars as pl
import pytest
import typer.main
import yaml

from hwmodel.catalog import design_of, load_catalog
from pipelines.cli.app import app
from pipelines.exploration.trust.evidence import evidence_frame
from pipelines.policy import serving_policy
from warehouse.contracts import SERVICE_TIERS, SURFACES, BindingResource, EvidenceKind, KernelFamily, values_of

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CHANGELOG.md")] + sorted(
    ROOT.glob("docs/**/*.md")
)
DECISIONS = sorted(ROOT.glob("docs/adr/*.md"))
PICTURE = ROOT / "docs" / "images" / "report.png"


@cache
def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@cache
def source_keys() -> tuple[str, ...]:
    """First cells of the rows of the sources document."""
    return tuple(re.findall(r"^\| `([^`]+)` \|", read("docs/sources.md"), re.MULTILINE))


@cache
def commands() -> frozenset[str]:
    """Every command as it is typed after `scoville`."""
    root = typer.main.get_command(app)
    found: set[str] = set()

    def walk(command: object, path: str) -> None:
        children = getattr(command, "commands", None)
        if not children:
            found.add(path)
        for name, child in (children or {}).items():
            walk(child, f"{path} {name}".strip())

    walk(root, "")
    return frozenset(found)


def section(document: str, title: str) -> str:
    return read(document).split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def test_every_number_that_a_report_shows_names_a_source_with_a_row() -> None:
    h100 = design_of(load_catalog().chip("h100-sxm"))
    shown = evidence_frame(h100, serving_policy(), allow_estimates=False)["source"].to_list()
    assert len(shown) > 40
    named = {key.strip() for source in shown for key in source.split(",")}
    assert named - set(source_keys()) == set()


def test_every_llm_begins_its_source_with_a_row() -> None:
    starts = tuple(key for key in source_keys() if " " in key or "/" in key)
    assert [llm.id for llm in load_catalog().llms.values() if not llm.source.startswith(starts)] == []


def test_every_source_that_code_or_data_refers_to_has_a_row() -> None:
    files = [
        p
        for room in ("hwmodel", "pipelines", "telemetry_sim")
        for p in (ROOT / room).rglob("*")
        if p.suffix in {".py", ".yaml"}
    ]
    lists = [
        m
        for p in files
        for m in re.findall(r"docs/sources\.md: ([a-z0-9_]+(?:, [a-z0-9_]+)*)", p.read_text(encoding="utf-8"))
    ]
    assert lists
    assert {key for found in lists for key in found.split(", ")} - set(source_keys()) == set()


def test_every_source_key_in_any_data_file_has_a_row() -> None:
    """Data files of every room by their text, so that a new file cannot slip past the tests of its room."""
    files = [
        *(ROOT / "telemetry_sim").rglob("*.yaml"),
        *(ROOT / "hwmodel").rglob("*.yaml"),
        *(ROOT / "pipelines").rglob("*.yaml"),
    ]
    assert len(files) > 8

    def keys(value: object) -> set[str]:
        if isinstance(value, dict):
            own = value.get("source")
            mine = {own} if isinstance(own, str) else set()
            return mine.union(*(keys(item) for item in value.values()))
        return set().union(*(keys(item) for item in value)) if isinstance(value, list) else set()

    for file in files:
        if file.name == "llms.yaml":
            continue
        named = {
            key.strip() for text in keys(yaml.safe_load(file.read_text(encoding="utf-8"))) for key in text.split(",")
        }
        assert named - set(source_keys()) == set(), file.name


def test_every_timing_constant_says_what_kind_of_evidence_it_is() -> None:
    tree = ast.parse(read("hwmodel/timing/constants.py"))
    owner = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "TimingConstants")
    told = dict(zip(owner.body, owner.body[1:], strict=False))
    notes = {ast.unparse(n.target): ast.unparse(told[n]) for n in owner.body if isinstance(n, ast.AnnAssign)}
    assert len(notes) > 15
    kinds = tuple(kind.capitalize() for kind in values_of(EvidenceKind))
    assert [name for name, note in notes.items() if not any(kind in note for kind in kinds)] == []


def test_the_serving_policy_promises_every_surface_and_tier_and_names_llms_that_can_be_served() -> None:
    policy = serving_policy()
    promised = set(policy.select("surface", "service_tier").cast(pl.String).iter_rows())
    assert promised == set(product(SURFACES, SERVICE_TIERS))
    assert {load_catalog().llm(name).id for name in policy["llm"].unique()} == set(policy["llm"])


def test_no_source_has_two_rows() -> None:
    assert len(source_keys()) == len(set(source_keys()))


def test_every_word_of_a_vocabulary_is_in_the_glossary() -> None:
    glossary = read("docs/glossary.md")
    words = (*SURFACES, *SERVICE_TIERS, *values_of(BindingResource), *values_of(KernelFamily))
    assert [word for word in words if f"`{word}`" not in glossary] == []
    assert ", ".join(values_of(EvidenceKind)) in glossary


def test_no_word_is_explained_twice() -> None:
    words = re.findall(r"^\| (?!word)([^|]+?) \|", read("docs/glossary.md"), re.MULTILINE)
    words = [word for word in words if not word.startswith("-")]
    assert len(words) > 60
    assert len(words) == len(set(words))


def test_the_readme_names_every_command_and_none_that_is_not_there() -> None:
    table = section("README.md", "Commands")
    first_cells = re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE)
    named = {
        re.sub(r" (?:[A-Z]|--|accept).*", "", code.removeprefix("scoville "))
        for cell in first_cells
        for code in re.findall(r"`([^`]+)`", cell)
    }
    assert named == commands()


def test_every_option_that_the_readme_names_is_an_option() -> None:
    root = typer.main.get_command(app)
    known = {option for command in commands() for option in options_of(root, command)}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", read("README.md")))
    assert named - known == set()


def options_of(root: object, path: str) -> set[str]:
    command = root
    for name in path.split():
        command = getattr(command, "commands")[name]  # noqa: B009 - click groups are not typed alike in all versions
    return {"--help", *(option for parameter in getattr(command, "params", ()) for option in parameter.opts)}


@pytest.mark.parametrize("document", ["README.md", "ARCHITECTURE.md"])
def test_every_make_target_that_a_document_names_is_there(document: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z-]+)`|^make ([a-z-]+)", read(document), re.MULTILINE))
    assert {first or second for first, second in named} <= targets


def test_every_file_that_the_architecture_names_is_there() -> None:
    text = section("ARCHITECTURE.md", "Where to add things") + section("ARCHITECTURE.md", "One run")
    roots = ("hwmodel/", "pipelines/", "telemetry_sim/", "warehouse/", "featurize/", "tests/", "docs/")
    named = [path for path in re.findall(r"`([\w./*-]+)`", text) if path.startswith(roots) and "NAME" not in path]
    assert len(named) > 25
    assert [path for path in named if not list(ROOT.glob(path.rstrip("/")))] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_inside_the_repository_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)\)", document.read_text(encoding="utf-8"))
    assert [link for link in links if "://" not in link and not (document.parent / link).exists()] == []


def test_decisions_are_numbered_without_gaps_and_say_context_decision_and_cost() -> None:
    assert [path.name[:4] for path in DECISIONS] == [f"{number:04}" for number in range(1, len(DECISIONS) + 1)]
    for path in DECISIONS:
        text = path.read_text(encoding="utf-8")
        assert text.startswith(f"# {path.name[:4]} "), path.name
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Cost"], path.name
        assert len(text.splitlines()) <= 45, path.name


def test_the_changelog_tells_of_the_version_that_is_built() -> None:
    version = tomllib.loads(read("pyproject.toml"))["project"]["version"]
    assert re.search(rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$", read("CHANGELOG.md"), re.MULTILINE)


def test_the_picture_of_the_report_is_small_and_wide_enough_to_read() -> None:
    head = PICTURE.read_bytes()
    width, height = struct.unpack(">II", head[16:24])
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    assert len(head) < 400_000
    assert width >= 1200
    assert 700 <= height <= 1600


def test_the_readme_shows_the_output_of_a_run() -> None:
    shown = read("README.md").split("<!-- output of a run: begin -->")[1].split("<!-- output of a run: end -->")[0]
    assert re.search(r"calls +│ +[\d,]{5,}", shown)
    assert "checks" in shown
