"""What every trace, however damaged, must come to: one clear line, or frames that satisfy their contracts and add up."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import polars as pl

from tests.warehouse.ingest.seeds import Seed
from tests.warehouse.ingest.trace_files import counts_add_up
from warehouse.ingest import FORMATS, Ingested, IngestError, detect_format, ingest

LONGEST_MESSAGE = 4_000


def survives(name_of_format: str, seed: Seed, content: bytes) -> bool:
    """Reads the seed with this content; raises AssertionError, or whatever escapes, if that was not done well.

    Returns:
        Whether anything of it could be read.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / seed.name
        for name, beside in seed.beside.items():
            (Path(folder) / name).write_bytes(beside)
        path.write_bytes(content)
        found = outcome(lambda: detect_format(path))
        result = outcome(lambda: ingest(name_of_format, path))
    for told in (found, result):
        assert not isinstance(told, IngestError) or is_one_clear_line(told), str(told)
    assert isinstance(found, IngestError) or found in FORMATS, found
    if not isinstance(result, Ingested):
        return False
    assert counts_add_up(result), (result.rows_read, result.rows_kept, result.quarantine.height)
    assert refers_to_kept_calls_only(result)
    assert numbers_are_finite(result)
    return True


def outcome(attempt: Callable[[], Ingested | str]) -> Ingested | str | IngestError:
    """What came out: a value, or an expected error; anything else is a bug and escapes."""
    try:
        return attempt()
    except IngestError as error:
        return error


def is_one_clear_line(error: IngestError) -> bool:
    text = str(error)
    return 0 < len(text) <= LONGEST_MESSAGE and text.isprintable()


def refers_to_kept_calls_only(result: Ingested) -> bool:
    kept = set(result.model_calls["call_id"])
    named = (
        result.model_calls["parent_call_id"],
        result.model_calls["starts_after_call_id"],
        result.tool_calls["call_id"],
    )
    return all(set(ids.drop_nulls()) <= kept for ids in named)


def numbers_are_finite(result: Ingested) -> bool:
    frames = (result.model_calls, result.tool_calls, result.sessions)
    return all(bool(frame.select(pl.col(pl.Float64).is_finite().all()).to_numpy().all()) for frame in frames)
