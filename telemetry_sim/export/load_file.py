"""Writes a load file batch by batch, bounded in memory whatever the number of calls."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import BinaryIO

import polars as pl

from telemetry_sim.export.aiperf import Conversations
from telemetry_sim.export.lineage import Lineage
from telemetry_sim.export.mooncake import mooncake_lines


class LoadFormat(StrEnum):
    """Formats of load files."""

    MOONCAKE = "mooncake"
    """A Mooncake trace (JSON lines): every call at its own time, whatever the server takes."""
    AIPERF = "aiperf"
    """Input of AIPerf's reader `mooncake_trace`: conversations whose turns wait for the answer before."""


@dataclass(slots=True, kw_only=True)
class LoadWriter:
    """Writes calls as a load file.

    Attributes:
        load_format: What the file shall be.
        origin: Instant (UTC) that is 0 ms in the file.
        file: Takes the lines.
        line_count: Lines written so far.
    """

    load_format: LoadFormat
    origin: datetime
    file: BinaryIO
    line_count: int = 0
    _lineage: Lineage = field(default_factory=Lineage)
    _conversations: Conversations = field(default_factory=Conversations)

    @property
    def left_out_count(self) -> int:
        """Calls so far that were refused, failed, or have no known length."""
        return self._lineage.left_out_count

    def write(self, model_calls: pl.DataFrame) -> None:
        """Writes a batch.

        Args:
            model_calls: Rows of the contract `ModelCalls`, a day or less. Batches come in order of time; a call and
                its parent are in one batch or in two that follow each other, else the shared prefix is not told.
        """
        for lines in self._lines(model_calls):
            lines.write_ndjson(self.file)
            self.line_count += lines.height

    def _lines(self, model_calls: pl.DataFrame) -> Iterator[pl.DataFrame]:
        batch = self._lineage.take(model_calls)
        match self.load_format:
            case LoadFormat.MOONCAKE:
                return mooncake_lines(batch, self.origin)
            case LoadFormat.AIPERF:
                return self._conversations.lines(batch, self.origin)
