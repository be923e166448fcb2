"""A checksum of this package's files: compiled code that is kept on disk must not outlive them."""

import zlib
from pathlib import Path


def sources_stamp() -> int:
    """Checksum of every module of the package, those of its folders included."""
    sources = sorted(Path(__file__).parent.rglob("*.py"))
    return zlib.crc32(b"".join(path.read_bytes() for path in sources))
