"""What a person asks on the command line, turned into values: shares of surfaces, traces, chips and LLMs."""

from datetime import datetime
from pathlib import Path

from hwmodel.catalog import design_of, load_catalog
from pipelines.errors import BadInput
from pipelines.home import prepare_home
from pipelines.incumbent import incumbent_design, is_recommended_design
from pipelines.resources import DEFAULT_SIMULATION, LedgerResource, surface_named, trace_source
from pipelines.source import SimulatedSource, TraceSource
from telemetry_sim import DEFAULT_SURFACE_SHARES, SimulationSettings
from telemetry_sim.export import LoadFormat
from warehouse.contracts import Surface


def simulated(
    *,
    days: int,
    calls_per_day: int,
    seed: int,
    first_day: datetime | None = None,
    surfaces: str = "",
    latency: Path | None = None,
) -> SimulatedSource:
    """A simulation.

    Args:
        days: Days to simulate.
        calls_per_day: Calls of a working day over all surfaces.
        seed: Root of all random numbers.
        first_day: First day; the simulator's own by default.
        surfaces: As for `surface_shares`; all six by default.
        latency: File of measured latencies; the incumbent's own laws by default.

    Raises:
        BadInput: A surface or its share cannot be used.
        SettingsError: A number is outside its limits.
    """
    settings = SimulationSettings(
        seed=seed,
        calls_per_day=calls_per_day,
        first_day=first_day.date() if first_day else DEFAULT_SIMULATION.first_day,
        surface_shares=surface_shares(surfaces) if surfaces else DEFAULT_SURFACE_SHARES,
    )
    return SimulatedSource(settings=settings, day_count=days, latency_path=latency)


def surface_shares(text: str) -> dict[Surface, float]:
    """Shares out of `a=0.7,b=0.3`; without numbers, the usual shares of the named surfaces, scaled to 1.

    Raises:
        BadInput: A surface is unknown or named twice, or a share is not a positive number.
    """
    shares: dict[Surface, float] = {}
    for item in text.split(","):
        name, _, number = item.strip().partition("=")
        surface = surface_named(name.strip())
        if surface in shares:
            raise BadInput(f"surface {surface.value} is named twice in {text!r}")
        shares[surface] = _share(number, surface) if number else DEFAULT_SURFACE_SHARES[surface]
    total = sum(shares.values())
    return {surface: share / total for surface, share in shares.items()}


def load_format_named(name: str) -> LoadFormat:
    """A format of load files by name.

    Raises:
        BadInput: There is none of that name.
    """
    try:
        return LoadFormat(name)
    except ValueError:
        raise BadInput(f"load format {name[:40]!r} is none of {', '.join(LoadFormat)}") from None


def traced(text: str, *, surface: str = "") -> TraceSource:
    """A trace out of `FORMAT:PATH`.

    Raises:
        BadInput: The text has another form, or the format or the surface is unknown.
    """
    format_name, colon, path = text.partition(":")
    if not colon or not path:
        raise BadInput(f"trace {text[:80]!r} is not FORMAT:PATH, like azure:calls.csv")
    return trace_source(format_name, Path(path).expanduser().absolute(), surface)


def checked_hardware(home: Path, baseline: str, llm: str, *, allow_estimates: bool = False) -> None:
    """Refuses, before anything is computed, a chip or an LLM that the loop could not use.

    Args:
        home: State folder, whose ledger knows the designs that earlier runs recommended.
        baseline: A chip id, or `RUN:RANK`.
        llm: An LLM id; empty for the policy's.
        allow_estimates: Let numbers that nobody published stand in.

    Raises:
        UnknownId: It is not in the catalogue.
        MissingSpec: Numbers that the loop needs are not public.
        NotRecorded: The ledger knows no such recommendation.
    """
    if is_recommended_design(baseline):
        with LedgerResource(home=str(prepare_home(home).root)).opened() as ledger:
            incumbent_design(baseline, ledger, allow_estimates=allow_estimates)
    else:
        design_of(load_catalog().chip(baseline), allow_estimates=allow_estimates)
    if llm:
        load_catalog().llm(llm)


def _share(number: str, surface: Surface) -> float:
    try:
        share = float(number)
    except ValueError:
        share = float("nan")
    if not 0.0 < share < float("inf"):
        raise BadInput(f"share {number[:20]!r} of {surface.value} is not a number above 0")
    return share
