"""The rules of the house that no linter knows: sizes, names, package fronts, forbidden texts, assets that explain themselves."""

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

import dagster as dg
import pytest

from pipelines.definitions import build_definitions
from pipelines.settings import Settings
from pipelines.tables import Group

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("pipelines", "telemetry_sim", "featurize", "hwmodel", "warehouse")
MOST_LINES = 400
VAGUE_NAMES = frozenset({"util", "utils", "helper", "helpers", "common", "manager", "managers", "misc"})
UNFINISHED = re.compile(r"TO[D]O|FIX[M]E|X[X]X|NotImplemented[E]rror")
FOLDERS_OF_ONE_MACHINE = re.compile(r"(?<![\w.~/-])/(?:[w]ork|[r]oot|[h]ome|[U]sers|[t]mp)/")
REGISTRIES = re.compile(r"pypi[.]org|python[h]osted|index[-]url|[a]naconda[.]org|[j]frog|[n]exus/")
LEFT_TO_MAKE_LOCK = "--no-emit-index" + "-url"


@cache
def tracked() -> tuple[Path, ...]:
    """Files that git tracks, or would add; in a tree without git every file that is not hidden or built."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - git of the machine
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0:
        return tuple(path for name in listed.stdout.splitlines() if (path := ROOT / name).is_file())
    parts = ("README.md", "ARCHITECTURE.md", "CHANGELOG.md", "Makefile", "pyproject.toml", "requirements.lock")
    folders = [path for name in (*ROOMS, "tests", "docs", ".ci") for path in (ROOT / name).rglob("*")]
    return tuple(path for path in (*(ROOT / part for part in parts), *folders) if path.is_file())


def sources(*rooms: str) -> list[Path]:
    return [p for p in tracked() if p.suffix == ".py" and p.relative_to(ROOT).parts[0] in (rooms or (*ROOMS, "tests"))]


def texts() -> list[tuple[str, str]]:
    binary = {".png", ".parquet", ".gz", ".ico", ".npz"}
    kept = [path for path in tracked() if path.suffix not in binary and "__pycache__" not in path.parts]
    return [(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")) for path in kept]


def fronts() -> list[Path]:
    return [path for path in sources(*ROOMS) if path.name == "__init__.py"]


def exported(tree: ast.Module) -> list[str]:
    """Names that `__all__` lists, also where it is put together from several lists."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
            return [c.value for c in ast.walk(node.value) if isinstance(c, ast.Constant) and isinstance(c.value, str)]
    return []


def taken_from_below(tree: ast.Module, package: str) -> set[str]:
    """Names that a package's front imports from its own modules."""
    below = [n for n in tree.body if isinstance(n, ast.ImportFrom) and (n.module or "").startswith(f"{package}.")]
    return {alias.asname or alias.name for node in below for alias in node.names}


def defined(tree: ast.Module) -> set[str]:
    targets = [t.id for n in tree.body if isinstance(n, ast.Assign) for t in n.targets if isinstance(t, ast.Name)]
    bodies = [n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef)]
    brought = [a.asname or a.name for n in tree.body if isinstance(n, ast.ImportFrom) for a in n.names]
    annotated = [n.target.id for n in tree.body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)]
    return {*targets, *bodies, *brought, *annotated}


@cache
def assets_of(home: Path) -> tuple[dg.AssetSpec, ...]:
    return tuple(build_definitions(Settings(home=home)).resolve_all_asset_specs())


def test_there_is_something_to_look_at() -> None:
    assert len(sources(*ROOMS)) > 150
    assert len(fronts()) > 15
    assert {path.relative_to(ROOT).parts[0] for path in fronts()} == set(ROOMS)


def test_no_source_file_is_longer_than_four_hundred_lines() -> None:
    lengths = {str(p.relative_to(ROOT)): len(p.read_text(encoding="utf-8").splitlines()) for p in sources()}
    assert {name: length for name, length in lengths.items() if length > MOST_LINES} == {}


def test_no_module_or_package_has_a_vague_name() -> None:
    named = {part for path in sources() for part in path.relative_to(ROOT).with_suffix("").parts}
    assert named & VAGUE_NAMES == set()


def test_every_module_of_a_room_says_in_its_docstring_what_belongs_there() -> None:
    docs = {
        str(p.relative_to(ROOT)): ast.get_docstring(ast.parse(p.read_text(encoding="utf-8"))) for p in sources(*ROOMS)
    }
    assert [name for name, doc in docs.items() if not doc or len(doc.split()) < 3] == []


def test_a_package_lists_what_its_front_gives_away() -> None:
    """A package whose front imports nothing, such as `warehouse`, gives nothing away and needs no list."""
    for front in fronts():
        tree = ast.parse(front.read_text(encoding="utf-8"))
        given = taken_from_below(tree, ".".join(front.relative_to(ROOT).parent.parts))
        listed = exported(tree)
        assert len(listed) == len(set(listed)), front
        assert given <= set(listed), (front, given - set(listed))
        assert set(listed) <= defined(tree), (front, set(listed) - defined(tree))


def test_every_folder_of_modules_is_a_package() -> None:
    folders = {path.parent for path in sources(*ROOMS)}
    assert [str(folder.relative_to(ROOT)) for folder in folders if not (folder / "__init__.py").exists()] == []


def test_annotations_are_not_postponed() -> None:
    """Dagster and dataframely read annotations when a module is imported."""
    for path in sources():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        futures = [n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module == "__future__"]
        assert futures == [], path


def test_nothing_unfinished_is_left() -> None:
    assert [name for name, text in texts() if UNFINISHED.search(text)] == []


def test_no_file_names_a_folder_of_the_machine_that_it_was_written_on() -> None:
    found = {name: match.group() for name, text in texts() if (match := FOLDERS_OF_ONE_MACHINE.search(text))}
    assert found == {}


def test_no_file_names_a_package_registry() -> None:
    found = {
        name: match.group()
        for name, text in texts()
        if (match := REGISTRIES.search(text.replace(LEFT_TO_MAKE_LOCK, "")))
    }
    assert found == {}


def test_the_lock_has_hashes_and_no_address() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pins = re.findall(r"^[a-z0-9._-]+(?:\[[a-z0-9,_-]+\])?==", lock, re.MULTILINE)
    assert len(pins) > 100
    assert lock.count("--hash=sha256:") >= len(pins)
    assert "://" not in lock


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (FOLDERS_OF_ONE_MACHINE, "see /ho" + "me/me/notes"),
        (FOLDERS_OF_ONE_MACHINE, 'path = "/wo' + 'rk/main"'),
        (REGISTRIES, "https://files.python" + "hosted.org/x"),
        (UNFINISHED, "# TO" + "DO later"),
    ],
)
def test_a_planted_breach_would_be_caught(pattern: re.Pattern[str], text: str) -> None:
    assert pattern.search(text)


@pytest.mark.parametrize("text", ["https://example.org/home/page", "benchmarks/work/", "docs/tmp/", "~/home/"])
def test_harmless_paths_are_left_alone(text: str) -> None:
    assert FOLDERS_OF_ONE_MACHINE.search(text) is None


def test_every_asset_says_what_it_is_where_it_belongs_and_who_owns_it(tmp_path: Path) -> None:
    specs = assets_of(tmp_path)
    assert {"model_calls", "demand_calls", "kernel_hotspots", "recommendations", "report"} <= {
        spec.key.to_user_string() for spec in specs
    }
    for spec in specs:
        name = spec.key.to_user_string()
        assert spec.description, name
        assert spec.owners, name
        assert spec.kinds, name
        assert spec.group_name in set(Group), name
