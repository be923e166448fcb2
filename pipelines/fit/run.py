"""One fit from end to end: trace in; parameter file, fidelity as JSON and as a page out."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from polars import DataFrame

from pipelines.errors import BadInput
from telemetry_sim.fidelity import Fidelity, judge, judge_rates
from telemetry_sim.fit import fit_client_rates, fit_surface
from telemetry_sim.fitted import FittedSurface, rates_to_dict, save_fitted, simulate_client_windows, simulate_fitted
from warehouse.contracts import Surface
from warehouse.ingest import Ingested, ingest

FILE_LIMIT_BYTES = 65_536
"""A fitted surface is a parameter file of at most this size."""
LEAST_CALLS = 20
HALF_PLAYS = 4
"""A surface fitted on a half plays so many times its sessions, so that the score holds less chance of the play."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FitOutcome:
    """A fitted surface and its judgement."""

    name: str
    source: str
    """Name of the trace file and how much of it was used."""
    fidelity: Fidelity
    save: Callable[[Path], None]
    """Writes the parameter file."""
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FitFiles:
    """Where the parts of a fit lie."""

    parameters: Path
    fidelity: Path
    page: Path
    parameter_bytes: int


def fit_trace(format_name: str, path: Path, *, surface: str = "", name: str = "", seed: int = 7) -> FitOutcome:
    """Fits a trace file and judges the fit.

    Args:
        format_name: A name of `warehouse.ingest.FORMATS`.
        path: The trace.
        surface: Product surface of its calls; empty for the format's own.
        name: Name of the fitted surface; empty for the file's.
        seed: Root of splits and draws.

    Raises:
        IngestError: Not one row of it can be used.
        BadInput: The surface is unknown, or there are too few calls to split.
    """
    read = ingest(format_name, path, surface=_surface(surface))
    called = name or _name_of(path)
    return _fit_rates(read, called, seed) if read.client_windows is not None else _fit_calls(read, called, seed)


def write_fit(outcome: FitOutcome, folder: Path) -> FitFiles:
    """Writes `<name>.yaml`, `fidelity.json` and `fidelity.html` beside their place, then moves them.

    Raises:
        BadInput: The parameter file is larger than a fitted surface may be.
    """
    from pipelines.fit.page import render_fidelity  # noqa: PLC0415 - charts take a second to import

    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".fit-", dir=folder) as staging:
        parameters = Path(staging) / f"{outcome.name}.yaml"
        outcome.save(parameters)
        size = parameters.stat().st_size
        if size > FILE_LIMIT_BYTES:
            raise BadInput(
                f"{outcome.name}.yaml has {size:,} bytes, the limit is {FILE_LIMIT_BYTES:,}; fit a part of it"
            )
        text = json.dumps(fidelity_json(outcome, size), indent=2, allow_nan=False)
        (Path(staging) / "fidelity.json").write_text(text + "\n", encoding="utf-8")
        (Path(staging) / "fidelity.html").write_text(render_fidelity(outcome, size), encoding="utf-8", newline="\n")
        for file in (parameters.name, "fidelity.json", "fidelity.html"):
            (Path(staging) / file).replace(folder / file)
    return FitFiles(
        parameters=folder / f"{outcome.name}.yaml",
        fidelity=folder / "fidelity.json",
        page=folder / "fidelity.html",
        parameter_bytes=size,
    )


def fidelity_json(outcome: FitOutcome, parameter_bytes: int) -> dict[str, object]:
    """The judgement as plain values."""
    size = {
        "metric": "parameter_file_bytes",
        "ks": None,
        "wasserstein": None,
        "noise_floor": None,
        "interval": None,
        "value_real": None,
        "value_synthetic": parameter_bytes,
        "relative_error": None,
        "bar": FILE_LIMIT_BYTES,
        "within": parameter_bytes <= FILE_LIMIT_BYTES,
    }
    rows = [measure.as_row() for measure in outcome.fidelity.measures]
    return {"surface": outcome.name, "source": outcome.source, "fidelity": [*rows, size], "notes": list(outcome.notes)}


def _fit_calls(read: Ingested, name: str, seed: int) -> FitOutcome:
    calls = read.model_calls
    if calls.height < LEAST_CALLS:
        raise BadInput(
            f"{read.source_name}: {calls.height} calls are too few to fit and split; give {LEAST_CALLS} or more"
        )
    fitted = fit_surface(calls, name=name)
    fidelity = judge(
        calls,
        lambda draw: simulate_fitted(fitted, seed=draw),
        lambda part, draw: _imitated(fit_surface(part, name=name, arrivals=fitted.arrivals), draw),
        seed=seed,
    )
    sessions = calls["session_id"].n_unique()
    return FitOutcome(
        name=name,
        source=f"{read.source_name}, {calls.height:,} calls of {sessions:,} sessions",
        fidelity=fidelity,
        save=lambda path: save_fitted(fitted, path),
        notes=(*read.notes, *fidelity.notes),
    )


def _imitated(half: FittedSurface, draw: int) -> DataFrame:
    """What a surface fitted on a half plays: sessions several times over, single calls once."""
    told = half.provenance
    times = HALF_PLAYS if told.sessions_count < told.calls_count else 1
    return simulate_fitted(half, seed=draw, sessions_count=times * told.sessions_count)


def _fit_rates(read: Ingested, name: str, seed: int) -> FitOutcome:
    """A trace told as rates of clients."""
    windows = read.client_windows
    if windows is None:
        raise BadInput(f"{read.source_name}: tells no windows of clients; fit it as calls")
    law = fit_client_rates(windows)
    fidelity = judge_rates(
        windows,
        lambda draw: simulate_client_windows(law, seed=draw),
        lambda part, draw: simulate_client_windows(fit_client_rates(part), seed=draw),
        seed=seed,
    )

    def save(path: Path) -> None:
        text = yaml.safe_dump({"name": name, "client_rates": rates_to_dict(law)}, sort_keys=False, width=120)
        path.write_text(text, encoding="utf-8")

    return FitOutcome(
        name=name,
        source=f"{read.source_name}, {law.clients_count} clients over {law.windows_count:,} windows",
        fidelity=fidelity,
        save=save,
        notes=(*read.notes, "fitted: clients' rates and gaps; their lengths stand in the histograms of the trace"),
    )


def _surface(name: str) -> Surface | None:
    if not name:
        return None
    if name not in set(Surface):
        raise BadInput(f"unknown surface {name[:40]!r}; choose one of {', '.join(Surface)}")
    return Surface(name)


def _name_of(path: Path) -> str:
    """A file name's stem as a name of a surface."""
    stem = path.name.split("#")[-1].split(".")[0]
    kept = "".join(sign if sign.isalnum() else "_" for sign in stem.lower()).strip("_")
    return kept or "fitted"
