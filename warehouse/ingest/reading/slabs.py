"""A text file in slabs of whole lines, so that memory is bounded by the slab and not by the file, packed or not."""

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from warehouse.ingest.errors import UnreadableTrace
from warehouse.ingest.reading.source import GZIP_MAGIC, LARGEST_UNPACKED_BYTES, refuse_packers

__all__ = ["SLAB_BYTES", "Slab", "TextFile"]

SLAB_BYTES = 1 << 23
"""Small enough that the memory of one slab is used again for the next."""
LONGEST_LINE_BYTES = 1 << 23
"""Assumed: a line of a trace takes at most 8 MB; the longest public one takes 200 KB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slab:
    """Whole lines of a file."""

    first_line: int
    """Number of its first line in the file, from 1."""
    content: bytes
    """Its lines, each but perhaps the file's last with its line end; empty for a line that is too long."""
    is_overlong: bool = False
    """Whether this stands for one line that is longer than any line of a trace."""


@dataclass(slots=True)
class TextFile:
    """A file that is read once, slab by slab; its content id is known when all were read."""

    path: Path
    slab_bytes: int = SLAB_BYTES
    digest: Any = field(default_factory=hashlib.sha256)
    byte_count: int = 0

    @property
    def source_id(self) -> str:
        """First 16 hex digits of the SHA-256 of the unpacked content."""
        return str(self.digest.hexdigest())[:16]

    def slabs(self) -> Iterator[Slab]:
        """The lines of the file in order.

        Raises:
            UnreadableTrace: if it is missing, a folder, unreadable, empty, a damaged gzip file or too large unpacked.
        """
        if not self.path.exists():
            raise UnreadableTrace(f"{self.path}: no such file; check the path")
        if self.path.is_dir():
            raise UnreadableTrace(f"{self.path}: is a folder, but this format is one file; name the file inside it")
        try:
            yield from self._lines()
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise UnreadableTrace(
                f"{self.path}: is a damaged gzip file ({error}); download or pack it again"
            ) from error
        except (OSError, ValueError) as error:
            raise UnreadableTrace(f"{self.path}: cannot be read ({error}); check its permissions") from error
        if not self.byte_count:
            raise UnreadableTrace(f"{self.path}: is empty; was the download or export finished?")

    def _lines(self) -> Iterator[Slab]:
        line, rest, skipping = 1, b"", False
        for piece in self._pieces():
            held = rest + piece
            end = held.rfind(b"\n") + 1
            if skipping:
                skipping = not end
                rest = held[held.find(b"\n") + 1 :] if end else b""
                end = rest.rfind(b"\n") + 1
                held = rest
                line += 0 if skipping else 1
            if end:
                yield Slab(first_line=line, content=held[:end])
                line += held.count(b"\n", 0, end)
            rest = held[end:]
            if len(rest) > LONGEST_LINE_BYTES:
                yield Slab(first_line=line, content=b"", is_overlong=True)
                rest, skipping = b"", True
        if rest:
            yield Slab(first_line=line, content=rest)

    def _pieces(self) -> Iterator[bytes]:
        with self.path.open("rb") as raw:
            packed = raw.read(2) == GZIP_MAGIC
            raw.seek(0)
            with gzip.GzipFile(fileobj=raw) if packed else raw as file:
                while piece := file.read(self.slab_bytes):
                    if not self.byte_count:
                        refuse_packers(piece, self.path)
                    self.digest.update(piece)
                    self.byte_count += len(piece)
                    if packed and self.byte_count > LARGEST_UNPACKED_BYTES:
                        raise UnreadableTrace(f"{self.path}: holds more than {LARGEST_UNPACKED_BYTES} bytes unpacked")
                    yield piece
