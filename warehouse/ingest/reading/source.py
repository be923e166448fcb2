"""Where a trace comes from: a file or folder on disk, its bytes, its name and its content hash."""

import gzip
import hashlib
import io
import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from warehouse.ingest.errors import UnreadableTrace

__all__ = [
    "GZIP_MAGIC",
    "LARGEST_UNPACKED_BYTES",
    "ContentDigest",
    "Source",
    "folder_files",
    "is_parquet",
    "is_parquet_file",
    "open_file",
    "read_parquet",
    "refuse_packers",
]

PARQUET_MAGIC = b"PAR1"
GZIP_MAGIC = b"\x1f\x8b"
OTHER_PACKERS = {
    GZIP_MAGIC: "gzip once more",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\xfd7zXZ": "xz",
    b"BZh": "bzip2",
    b"PK\x03\x04": "zip",
    b"x\x01": "zlib",
    b"x\x9c": "zlib",
    b"x\xda": "zlib",
}
"""First bytes of what is no trace yet."""
LARGEST_UNPACKED_BYTES = 1 << 33
"""Assumed: no packed trace is larger than 8 GiB unpacked; a file that goes on is no trace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A trace file in memory."""

    path: Path
    name: str
    """File name without its folder."""
    source_id: str
    """First 16 hex digits of the SHA-256 of the content."""
    content: bytes

    def without_content(self) -> "Source":
        """The source by name and id alone, once its rows are read."""
        return replace(self, content=b"")


def open_file(path: Path) -> Source:
    """Reads a trace file whole, unpacked where it is gzip.

    Raises:
        UnreadableTrace: if it is missing, a folder, unreadable or empty.
    """
    if not path.exists():
        raise UnreadableTrace(f"{path}: no such file; check the path")
    if path.is_dir():
        raise UnreadableTrace(f"{path}: is a folder, but this format is one file; name the file inside it")
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        raise UnreadableTrace(f"{path}: cannot be read ({error}); check its permissions") from error
    if content.startswith(GZIP_MAGIC):
        content = _unpacked(content, path)
    refuse_packers(content, path)
    if not content.strip():
        raise UnreadableTrace(f"{path}: is empty; was the download or export finished?")
    return Source(path=path, name=path.name, source_id=content_id(content), content=content)


def refuse_packers(content: bytes, path: Path) -> None:
    """Refuses what is packed otherwise than with gzip, or twice.

    Raises:
        UnreadableTrace: with the packer's name.
    """
    packer = next((name for magic, name in OTHER_PACKERS.items() if content.startswith(magic)), None)
    if packer is not None:
        raise UnreadableTrace(f"{path}: is packed with {packer}; unpack it, or pack the trace itself with gzip")


def _unpacked(content: bytes, path: Path) -> bytes:
    """The bytes inside a gzip file.

    Raises:
        UnreadableTrace: if it is cut short, damaged or too large.
    """
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:
            inside = packed.read(LARGEST_UNPACKED_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableTrace(f"{path}: is a damaged gzip file ({error}); download or pack it again") from error
    if len(inside) > LARGEST_UNPACKED_BYTES:
        raise UnreadableTrace(f"{path}: holds more than {LARGEST_UNPACKED_BYTES} bytes unpacked; split it")
    return inside


def content_id(*parts: bytes) -> str:
    """First 16 hex digits of the SHA-256 of the parts, each preceded by its length where there are several."""
    if len(parts) == 1:
        return hashlib.sha256(parts[0]).hexdigest()[:16]
    digest = ContentDigest()
    for part in parts:
        digest.add(part)
    return digest.source_id


@dataclass(slots=True)
class ContentDigest:
    """The content id of several parts that are never in memory together."""

    digest: Any = field(default_factory=hashlib.sha256)

    def add(self, part: bytes) -> None:
        """Adds a part, preceded by its length."""
        self.digest.update(len(part).to_bytes(8, "big"))
        self.digest.update(part)

    @property
    def source_id(self) -> str:
        """First 16 hex digits of the SHA-256 of the parts so far."""
        return str(self.digest.hexdigest())[:16]


def is_parquet(content: bytes) -> bool:
    """Whether the bytes begin like a Parquet file."""
    return content.startswith(PARQUET_MAGIC)


def is_parquet_file(path: Path) -> bool:
    """Whether the file begins like a Parquet file; a missing or unreadable one does not."""
    try:
        with path.open("rb") as file:
            return is_parquet(file.read(len(PARQUET_MAGIC)))
    except OSError:
        return False


def read_parquet(source: Source) -> pl.DataFrame:
    """The Parquet file as a frame.

    Raises:
        UnreadableTrace: if it is cut short or damaged.
    """
    try:
        return pl.read_parquet(io.BytesIO(source.content))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
        reason = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        raise UnreadableTrace(f"{source.path}: is a damaged Parquet file ({reason}); export it again") from error


def folder_files(folder: Path, pattern: str) -> tuple[list[Path], list[str]]:
    """Files of a folder by name, and the names of the links that lead out of it, which are not followed."""
    root = folder.resolve()
    kept: list[Path] = []
    refused: list[str] = []
    for path in sorted(folder.glob(pattern)):
        if not path.resolve().is_relative_to(root):
            refused.append(path.name)
        elif path.is_file():
            kept.append(path)
    return kept, refused
