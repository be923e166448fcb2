"""Calls as AIPerf input: conversations whose turns bring what is new and wait for the answer before.

AIPerf's reader `mooncake_trace` takes lines with a session_id: it keeps the history itself, answers of the server
under test included, so a turn carries only the tokens that it adds. A prompt that does not simply go on from the one
before (compaction, a rewritten prefix, another agent, a fork) opens a conversation of its own at its own time.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import polars as pl
from numba import njit

from telemetry_sim.export.lineage import Batch
from telemetry_sim.export.mooncake import LINES_AT_ONCE, milliseconds
from telemetry_sim.laws import Bools, Floats, Ints


@dataclass(slots=True)
class Conversations:
    """Which conversation each call of the load file belongs to, over batches in order."""

    opening_row: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    """By row of the tree: the row that opened its conversation."""
    is_continued: Bools = field(default_factory=lambda: np.empty(0, np.bool_))
    end_ms: Floats = field(default_factory=lambda: np.empty(0))
    input_tokens: Ints = field(default_factory=lambda: np.empty(0, np.int64))

    def lines(self, batch: Batch, origin: datetime) -> Iterator[pl.DataFrame]:
        """Lines of a batch as frames of session_id, timestamp, delay, input_length, output_length, hash_ids.

        First turns have a timestamp (ms since origin), the whole prompt's length and its block ids; later turns have
        a delay (ms after the answer before) and the length of what they add.
        """
        calls = batch.calls
        start_ms = calls.select(milliseconds(origin)).to_series().to_numpy().astype(np.float64)
        end_ms = start_ms + 1000.0 * calls["duration_s"].fill_null(0.0).to_numpy()
        shared = calls["shared_prefix_tokens"].fill_null(0).to_numpy()
        tokens = calls["input_tokens"].to_numpy()
        self._add(end_ms, tokens)
        goes_on = self._goes_on(batch, shared, tokens)
        parent = np.maximum(batch.parent_row, 0)
        _assign(batch.row, batch.parent_row, goes_on, self.opening_row, self.is_continued)
        opening = self.opening_row[batch.row]
        goes_on = opening != batch.row
        delay_ms = np.where(goes_on, np.maximum(start_ms - self.end_ms[parent], 0.0), np.nan)
        frame = calls.select(
            session_id=pl.format("{}-{}", pl.coalesce("agent_id", "session_id"), pl.Series(opening)),
            timestamp=pl.when(pl.Series(~goes_on)).then(milliseconds(origin)),
            delay=pl.Series(np.rint(delay_ms)).fill_nan(None).cast(pl.Int64),
            input_length=pl.Series(np.where(goes_on, np.maximum(tokens - shared, 1), tokens)),
            output_length=pl.max_horizontal("output_tokens", 1),
        )
        for low in range(0, frame.height, LINES_AT_ONCE):
            part = frame.slice(low, LINES_AT_ONCE)
            first = pl.Series(~goes_on[low : low + part.height])
            yield part.with_columns(hash_ids=pl.when(first).then(batch.hash_ids(low, low + part.height)))

    def _add(self, end_ms: Floats, tokens: Ints) -> None:
        base = len(self.opening_row)
        self.opening_row = np.concatenate([self.opening_row, np.arange(base, base + len(tokens))])
        self.is_continued = np.concatenate([self.is_continued, np.zeros(len(tokens), np.bool_)])
        self.end_ms = np.concatenate([self.end_ms, end_ms])
        self.input_tokens = np.concatenate([self.input_tokens, tokens])

    def _goes_on(self, batch: Batch, shared: Ints, tokens: Ints) -> Bools:
        """Whether a prompt keeps all of the parent's prompt, adds to it, and belongs to the same agent's session."""
        keeps = (shared >= self.input_tokens[np.maximum(batch.parent_row, 0)]) & (tokens > shared)
        return np.asarray(batch.is_same_agent & keeps, dtype=np.bool_)


@njit(cache=True, nogil=True)
def _assign(row: Ints, parent_row: Ints, goes_on: Bools, opening_row: Ints, is_continued: Bools) -> None:
    """Each call joins its parent's conversation if it is the first to continue that parent, else it opens one."""
    for place in range(len(row)):
        parent = parent_row[place]
        if goes_on[place] and not is_continued[parent]:
            is_continued[parent] = True
            opening_row[row[place]] = opening_row[parent]
