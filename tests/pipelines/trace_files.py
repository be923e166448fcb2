"""Small Azure traces as text, good and broken, for the tests of ingest, landing and command line."""

from pathlib import Path

HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens\n"
ROWS = tuple(f"2023-11-16 18:{minute:02d}:46.6805900,{1000 + minute},{40 + minute}\n" for minute in range(20))
NEGATIVE = "2023-11-16 18:30:00.0000000,-5,44\n"
CUT_SHORT = "2023-11-16 18:31:00.0000000,374"


def write_azure(path: Path, *rows: str, header: str = HEADER) -> Path:
    path.write_text(header + "".join(rows or ROWS))
    return path
