"""Where telemetry comes from: a simulation, whose days are made as they are landed, a trace on disk, or the lake."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

import polars as pl

from pipelines.errors import BadInput
from pipelines.latency_table import measured_latency
from pipelines.partitions import refuse_days_outside
from telemetry_sim import LatencyLaw, SimulationSettings
from warehouse.contracts import Quarantine, Surface
from warehouse.ingest import Ingested, ingest
from warehouse.lake import DEFAULT_DATASET


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFrames:
    """The telemetry of one day, by table name, and the sources that its rows name."""

    frames: Mapping[str, pl.DataFrame]
    source_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedSource:
    """Telemetry out of the simulator; it is the whole of its data set, so a day replaces what was there."""

    settings: SimulationSettings
    day_count: int = 3
    dataset_name: str | None = None
    """Namespace of the lake; by default the one of simulations."""
    latency_path: Path | None = None
    """Parquet file under `ServiceLatency` that says how long calls take; the incumbent's own laws by default."""

    def __post_init__(self) -> None:
        if self.day_count < 1:
            raise BadInput(f"{self.day_count} days cannot be simulated; choose 1 or more")

    @property
    def source_id(self) -> str:
        """What its rows name as their source."""
        return f"synthetic:{self.settings.seed}"

    @property
    def dataset(self) -> str:
        """Namespace of the lake."""
        return self.dataset_name or DEFAULT_DATASET

    @property
    def seed(self) -> int:
        """Root of its random numbers."""
        return self.settings.seed

    @property
    def is_whole_dataset(self) -> bool:
        """Whether nothing but this source writes its data set."""
        return True

    @property
    def description(self) -> str:
        """Source in words, for reports."""
        served = f", served as measured in {self.latency_path.name}" if self.latency_path else ""
        return f"simulation, seed {self.settings.seed}, {self.settings.calls_per_day:,} calls per working day{served}"

    def latency(self) -> LatencyLaw | None:
        """How long its calls take; None for the incumbent's own laws.

        Raises:
            BadInput: The file cannot be read as measured latencies.
        """
        return None if self.latency_path is None else measured_latency(self.latency_path)

    def days(self) -> list[date]:
        """The days it covers, in order."""
        days = [self.settings.first_day + timedelta(days=number) for number in range(self.day_count)]
        refuse_days_outside(days)
        return days

    def quarantine(self) -> pl.DataFrame:
        """Refused rows; a simulation has none."""
        return Quarantine.create_empty()

    def rows_read(self) -> int:
        """Rows of its file; a simulation reads none."""
        return 0

    def kept_count(self) -> int:
        """Good rows of its file; a simulation reads none."""
        return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceSource:
    """Telemetry out of a trace file; other sources may share its data set, so its rows are merged into their days."""

    format: str
    path: Path
    surface: Surface | None = None
    dataset_name: str | None = None
    """Namespace of the lake; by default one for this very content."""

    @property
    def source_id(self) -> str:
        """Content hash that its rows name as their source."""
        return self.read().source_id

    @property
    def dataset(self) -> str:
        """Namespace of the lake."""
        return self.dataset_name or f"{self.format}_{self.source_id[:8]}"

    @property
    def seed(self) -> int:
        """Seed of what is drawn for it later on."""
        return 0

    @property
    def is_whole_dataset(self) -> bool:
        """Whether nothing but this source writes its data set."""
        return False

    @property
    def description(self) -> str:
        """Source in words, for reports."""
        return f"trace {self.path.name}, format {self.format}"

    def read(self) -> Ingested:
        """The whole trace, read once per content.

        Raises:
            IngestError: Not one row of it can be used.
        """
        stamp = self.path.stat() if self.path.exists() else None
        return _read_once(self.format, self.path, self.surface, stamp and (stamp.st_mtime_ns, stamp.st_size))

    def days(self) -> list[date]:
        """The days that its calls were requested on, in order.

        Raises:
            IngestError: Not one row of it can be used.
            BadInput: A day lies outside the graph's partitions.
        """
        read = self.read()
        days = sorted({*read.model_calls["day"], *read.sessions["day"]})
        refuse_days_outside(days)
        return days

    def read_day(self, day: date) -> DayFrames:
        """The day's rows."""
        read = self.read()
        of_day = pl.col("day") == day
        frames = {
            "model_calls": read.model_calls.filter(of_day),
            "tool_calls": read.tool_calls.filter(of_day),
            "sessions": read.sessions.filter(of_day),
        }
        return DayFrames(frames=frames, source_id=read.source_id)

    def quarantine(self) -> pl.DataFrame:
        """Refused rows, each with its rule and reason."""
        return self.read().quarantine

    def rows_read(self) -> int:
        """Rows that its file holds."""
        return self.read().rows_read

    def kept_count(self) -> int:
        """Good rows of its file; mostly each is a call."""
        return self.read().rows_kept


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSource:
    """Telemetry that the lake holds already, with its features: a pass over it runs the hardware half alone."""

    dataset: str
    seed: int
    """Of what is drawn for it later on."""
    stored_days: tuple[date, ...]
    refused: pl.DataFrame
    """Contract `Quarantine`: rows that were refused when it came in."""

    def days(self) -> list[date]:
        """The days that are looked at, in order."""
        return list(self.stored_days)

    def quarantine(self) -> pl.DataFrame:
        """Rows that were refused when it came in."""
        return self.refused


Source = SimulatedSource | TraceSource
"""Anything that telemetry comes from."""


@lru_cache(maxsize=2)
def _read_once(format: str, path: Path, surface: Surface | None, stamp: object) -> Ingested:  # noqa: A002
    """Reads a trace; the stamp (time and size) makes a changed file another one."""
    del stamp
    return ingest(format, path, surface=surface)
