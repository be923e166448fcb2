"""What a short look at a trace shows: column names, keys at any depth, short values and file names to know it by."""

import csv
import gzip
import io
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from warehouse.ingest.errors import UnreadableTrace
from warehouse.ingest.reading.source import GZIP_MAGIC, is_parquet

__all__ = ["Clues", "look"]

HEAD_BYTES = 1 << 18
"""A format shows itself in its first quarter of a mebibyte."""
DEEPEST_KEY = 8
LONGEST_WORD = 80
TOKENS = re.compile(r'"((?:[^"\\]|\\.)*)"|([{}\[\]:,])|([^\s{}\[\]:,"]+)')
FOLDER_SHOWS = 400
"""Names of a folder's files that are looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clues:
    """What is known of a trace before it is read."""

    names: tuple[str, ...] = ()
    """Column names of a table, or keys of its outermost JSON objects, in order of appearance."""
    keys: frozenset[str] = frozenset()
    """Keys of JSON at any depth as dotted paths, lists left out: `resourceSpans.scopeSpans.spans`."""
    words: Mapping[str, str] = field(default_factory=dict)
    """First short text under a dotted path, `event.schema` -> `dynamo.request.trace.v1`."""
    files: tuple[str, ...] = ()
    """Names of the files in a folder, sorted; empty for a file. The other clues are then of its first known file."""
    first_line: str = ""
    """First line of a text that is no JSON: a header, or where there is none the first row."""
    file_name: str = ""
    """Name of the file itself."""

    def has(self, *names: str) -> bool:
        """Whether all of these are columns or outermost keys."""
        return set(names) <= set(self.names)


def look(path: Path, patterns: tuple[str, ...] = ()) -> Clues:
    """Looks at the beginning of a file, or at a folder and the first file in it.

    Args:
        path: file or folder; gzip is looked into.
        patterns: which file of a folder is opened: the first that fits the earliest pattern.

    Raises:
        UnreadableTrace: if there is nothing to look at.
    """
    if not path.is_dir():
        return _look_at_file(path)
    root = path.resolve()
    inside = sorted(file for file in path.iterdir() if file.is_file() and file.resolve().is_relative_to(root))
    names = tuple(file.name for file in inside[:FOLDER_SHOWS])
    for pattern in patterns:
        first = next((file for file in inside if file.match(pattern)), None)
        if first is not None:
            return replace(_look_at_file(first), files=names)
    return Clues(files=names)


def _look_at_file(path: Path) -> Clues:
    head = _head(path)
    if is_parquet(head):
        try:
            return Clues(names=tuple(pl.read_parquet_schema(path)), file_name=path.name)
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
            raise UnreadableTrace(f"{path}: is a damaged Parquet file; export it again") from error
    text = head.decode("utf-8-sig", errors="replace").lstrip()
    if text.startswith(("{", "[")):
        return replace(_json_clues(text), file_name=path.name)
    line = text.split("\n", 1)[0].rstrip("\r")
    return Clues(names=tuple(_header(line)), first_line=line, file_name=path.name)


def _head(path: Path) -> bytes:
    """The first bytes of a file, unpacked.

    Raises:
        UnreadableTrace: if it is missing, unreadable or empty.
    """
    if not path.exists():
        raise UnreadableTrace(f"{path}: no such file; check the path")
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        if head.startswith(GZIP_MAGIC):
            with gzip.open(path) as packed:
                head = packed.read(HEAD_BYTES)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise UnreadableTrace(f"{path}: cannot be read ({error}); check its permissions, or pack it again") from error
    if not head.strip():
        raise UnreadableTrace(f"{path}: is empty; was the download or export finished?")
    return head


def _header(line: str) -> list[str]:
    try:
        record = next(csv.reader(io.StringIO(line[:100_000])), [])
    except csv.Error:
        record = line.split(",")
    return [name.strip().strip('"').strip() for name in record]


def _json_clues(text: str) -> Clues:
    """Keys and short texts of JSON that may be cut off, hold several documents, or be nested without end.

    A scan of tokens, no parser: it keeps the path of keys on a stack of its own and never recurses.
    """
    names: dict[str, None] = {}
    keys: dict[str, None] = {}
    words: dict[str, str] = {}
    stack: list[str] = []  # one entry per open bracket: the dotted path of what it holds
    pending = ""
    for token in TOKENS.finditer(text):
        quoted, sign, _ = token.groups()
        if quoted is not None:
            above = stack[-1] if stack else ""
            if text[token.end() : token.end() + 16].lstrip().startswith(":"):
                name = quoted[:LONGEST_WORD]
                pending = f"{above}.{name}" if above.count(".") < DEEPEST_KEY and above else above or name
                keys[pending] = None
                if not above:
                    names[name] = None
            elif pending and len(quoted) <= LONGEST_WORD:
                words.setdefault(pending, quoted)
        elif sign in {"{", "["}:
            stack.append(pending)
        elif sign in {"}", "]"}:
            del stack[-1:]
            pending = stack[-1] if stack else ""
    return Clues(names=tuple(names), keys=frozenset(keys), words=words)
