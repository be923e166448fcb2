"""Files in the landing folder: which are complete, what they hold, where they go."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.home import HomeFolders

UNFINISHED = (".part", ".partial", ".tmp", ".crdownload", ".download", ".filepart")
"""Suffixes that writers and browsers give to files they are still writing."""
HASH_CHARACTERS = 16
REASON_SUFFIX = ".reason.txt"

Stamp = tuple[int, int]
"""Size in bytes and modification time in nanoseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """A complete file and its content hash."""

    path: Path
    content_hash: str


def present(folder: Path) -> dict[str, Stamp]:
    """Files that may be taken, by name: no dot files, no unfinished ones, no folders, no links."""
    return {
        path.name: (status.st_size, status.st_mtime_ns)
        for path in sorted(folder.iterdir())
        if _is_candidate(path) and (status := path.stat()).st_size >= 0
    }


def complete(before: Mapping[str, Stamp], now: Mapping[str, Stamp]) -> list[str]:
    """Names whose size and time have not changed since the tick before."""
    return [name for name, stamp in now.items() if before.get(name) == stamp]


def landed(folder: Path, names: Iterable[str]) -> list[Landed]:
    """The files of these names, hashed."""
    return [Landed(path=folder / name, content_hash=content_hash(folder / name)) for name in names]


def content_hash(path: Path) -> str:
    """First 16 hex digits of the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:HASH_CHARACTERS]


def move_done(path: Path, folders: HomeFolders) -> Path:
    """Puts a file whose rows are in the lake away."""
    return _move(path, folders.done)


def move_failed(path: Path, folders: HomeFolders, reason: str) -> Path:
    """Puts a file that cannot be used away, with the reason beside it."""
    moved = _move(path, folders.failed)
    moved.with_name(moved.name + REASON_SUFFIX).write_text(reason + "\n", encoding="utf-8")
    return moved


def failed_hashes(folders: HomeFolders) -> frozenset[str]:
    """Content hashes of the files that could not be used."""
    files = (path for path in folders.failed.iterdir() if path.is_file() and not path.name.endswith(REASON_SUFFIX))
    return frozenset(content_hash(path) for path in files)


def _move(path: Path, folder: Path) -> Path:
    """Moves a file; another file of that name is never overwritten."""
    target, number = folder / path.name, 1
    while target.exists():
        number += 1
        target = folder / f"{path.stem}-{number}{path.suffix}"
    return path.rename(target)


def _is_candidate(path: Path) -> bool:
    hidden = path.name.startswith((".", "~"))
    return not hidden and not path.name.lower().endswith(UNFINISHED) and path.is_file() and not path.is_symlink()
