"""Calls as lines of a Mooncake trace: one per call, at its time, with the ids of its prompt's 512-token blocks."""

from collections.abc import Iterator
from datetime import datetime

import polars as pl

from telemetry_sim.export.lineage import Batch

LINES_AT_ONCE = 20_000
"""Bounds memory: a line of a long prompt carries hundreds of ids."""


def mooncake_lines(batch: Batch, origin: datetime) -> Iterator[pl.DataFrame]:
    """Lines of a batch as frames of timestamp (ms since origin), input_length, output_length, hash_ids.

    A call that was cut before its first token asks for one token: a server cannot be asked for none.

    Args:
        batch: Calls in order of request.
        origin: Instant that is 0 ms.
    """
    for low in range(0, batch.calls.height, LINES_AT_ONCE):
        part = batch.calls.slice(low, LINES_AT_ONCE)
        yield part.select(
            timestamp=milliseconds(origin),
            input_length="input_tokens",
            output_length=pl.max_horizontal("output_tokens", 1),
            hash_ids=batch.hash_ids(low, low + part.height),
        )


def milliseconds(origin: datetime) -> pl.Expr:
    """Whole milliseconds from the origin to the request."""
    return (pl.col("requested_at") - pl.lit(origin)).dt.total_milliseconds()
