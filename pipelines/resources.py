"""What assets ask for by name: the lake, the ledger, the source of telemetry, and the loop that a run belongs to."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import dagster as dg
from pydantic import Field

from pipelines.errors import BadInput
from pipelines.home import HomeFolders
from pipelines.settings import read_settings
from pipelines.source import SimulatedSource, Source, StoredSource, TraceSource
from telemetry_sim import DEFAULT_SURFACE_SHARES, SettingsError, SimulationSettings
from warehouse.contracts import Surface
from warehouse.ingest import FORMATS
from warehouse.lake import DEFAULT_DATASET, Lake
from warehouse.ledger import Ledger, ledger_url, open_ledger

DEFAULT_SIMULATION = SimulationSettings()


class LakeResource(dg.ConfigurableResource[None]):
    """The lake of one data set. The catalogue's URL stays in the environment, so that no run records a password."""

    home: str = Field(description="Absolute folder of all state.")
    dataset: str = Field(default=DEFAULT_DATASET, description="Data set: synthetic, or <format>_<sha8> of a trace.")

    @property
    def folders(self) -> HomeFolders:
        """The folders of the home."""
        return HomeFolders(root=Path(self.home))

    @contextmanager
    def opened(self, dataset: str | None = None) -> Iterator[Lake]:
        """The open lake, closed on leaving."""
        url = read_settings(os.environ).catalog_url
        lake = Lake.open(Path(self.home), dataset=dataset or self.dataset, catalog_url=url)
        try:
            yield lake
        finally:
            lake.close()


class LedgerResource(dg.ConfigurableResource[None]):
    """The ledger; its URL stays in the environment."""

    home: str = Field(description="Absolute folder of all state.")

    @contextmanager
    def opened(self) -> Iterator[Ledger]:
        """The open ledger, closed on leaving."""
        ledger = open_ledger(read_settings(os.environ).ledger_url or ledger_url(Path(self.home)))
        try:
            yield ledger
        finally:
            ledger.close()


class SourceResource(dg.ConfigurableResource[None]):
    """Where telemetry comes from: a trace if a path is given, else the simulator."""

    seed: int = Field(default=DEFAULT_SIMULATION.seed, description="Root of all random numbers of the simulation.")
    calls_per_day: int = Field(default=DEFAULT_SIMULATION.calls_per_day, description="Calls of a working day.")
    days: int = Field(default=3, description="Days to simulate.")
    first_day: str = Field(default=DEFAULT_SIMULATION.first_day.isoformat(), description="First simulated UTC day.")
    surface_shares: dict[str, float] = Field(default={}, description="Share of calls by surface; empty: all six.")
    abandonment: bool = Field(default=True, description="Whether people who wait too long leave.")
    latency_path: str = Field(default="", description="Measured latencies (Parquet); empty: the incumbent's own laws.")
    trace_format: str = Field(default="", description="Format of the trace.")
    trace_path: str = Field(default="", description="Path of the trace; empty: simulate.")
    trace_surface: str = Field(default="", description="Surface of the trace's calls; empty: the format's own.")
    dataset: str = Field(default="", description="Data set; empty: synthetic, or one for the content of the trace.")

    @classmethod
    def of(cls, source: Source | StoredSource) -> "SourceResource":
        """The resource that gives this source."""
        match source:
            case SimulatedSource(
                settings=settings, day_count=day_count, dataset_name=dataset, latency_path=latency_path
            ):
                return cls(
                    dataset=dataset or "",
                    seed=settings.seed,
                    calls_per_day=settings.calls_per_day,
                    days=day_count,
                    first_day=settings.first_day.isoformat(),
                    surface_shares={surface.value: share for surface, share in settings.surface_shares.items()},
                    abandonment=settings.abandonment,
                    latency_path=str(latency_path) if latency_path else "",
                )
            case StoredSource(dataset=dataset, seed=seed):
                return cls(dataset=dataset, seed=seed)
            case TraceSource(format=format_name, path=path, surface=surface, dataset_name=dataset):
                return cls(
                    trace_format=format_name,
                    trace_path=str(path),
                    trace_surface=surface.value if surface else "",
                    dataset=dataset or "",
                )

    def source(self) -> Source:
        """The source itself.

        Raises:
            BadInput: A setting cannot be used.
        """
        if self.trace_path:
            return trace_source(self.trace_format, Path(self.trace_path), self.trace_surface, self.dataset)
        try:
            settings = SimulationSettings(
                seed=self.seed,
                calls_per_day=self.calls_per_day,
                first_day=date.fromisoformat(self.first_day),
                surface_shares={surface_named(name): share for name, share in self.surface_shares.items()}
                or DEFAULT_SURFACE_SHARES,
                abandonment=self.abandonment,
            )
        except (SettingsError, ValueError) as error:
            raise BadInput(f"simulation: {error}") from error
        return SimulatedSource(
            settings=settings,
            day_count=self.days,
            dataset_name=self.dataset or None,
            latency_path=Path(self.latency_path) if self.latency_path else None,
        )


class LoopResource(dg.ConfigurableResource[None]):
    """The pass of the loop that a run belongs to; what the hardware half looks at."""

    run_id: str = Field(default="", description="Id of the run in the ledger; empty: not recorded.")
    days: list[str] = Field(default=[], description="Days to look at; empty: every day of the data set.")
    baseline: str = Field(default="h100-sxm", description="Chip in service, or RUN:RANK of a recommended design.")
    llm: str = Field(default="", description="Serve every surface by this LLM; empty: as the serving policy says.")
    allow_estimates: bool = Field(default=False, description="Let numbers that nobody published stand in.")

    def chosen_days(self) -> list[date]:
        """Days to look at; none means every day of the data set."""
        return [date.fromisoformat(day) for day in self.days]


def trace_source(format_name: str, path: Path, surface: str = "", dataset: str = "") -> TraceSource:
    """A trace as a source.

    Raises:
        BadInput: No such format or surface.
    """
    if format_name not in FORMATS:
        raise BadInput(f"unknown trace format {format_name[:40]!r}; known: {', '.join(FORMATS)}")
    return TraceSource(
        format=format_name,
        path=path,
        surface=surface_named(surface) if surface else None,
        dataset_name=dataset or None,
    )


def surface_named(name: str) -> Surface:
    """The surface of this name.

    Raises:
        BadInput: No such surface.
    """
    if name not in tuple(Surface):
        raise BadInput(f"unknown surface {name[:40]!r}; known: {', '.join(Surface)}")
    return Surface(name)
