"""The version of this code, as run records and materialisations name it."""

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

import hwmodel

SUFFIXES = frozenset({".py", ".yaml", ".npz", ".json", ".parquet"})


def code_version() -> str:
    """Version of the installed distribution."""
    return version("scoville")


@cache
def source_stamp() -> str:
    """Short hash of the hardware room, code and data: a replay by other code or of other chips is another replay."""
    room, told = Path(hwmodel.__path__[0]), hashlib.sha256()
    for path in sorted(path for path in room.rglob("*") if path.suffix in SUFFIXES):
        told.update(str(path.relative_to(room)).encode() + path.read_bytes())
    return told.hexdigest()[:12]
