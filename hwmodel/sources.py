"""A checksum of files: compiled code that is kept on disk must not outlive what it was compiled from."""

import zlib
from pathlib import Path


def sources_stamp(folder: Path, *others: Path) -> int:
    """Checksum of every module in a folder, those of its folders included, and of other files."""
    sources = sorted(folder.rglob("*.py"))
    return zlib.crc32(b"".join(path.read_bytes() for path in (*sources, *others)))
