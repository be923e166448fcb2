"""The suite `lake`: how fast rows are landed, against bare Parquet."""

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from pipelines.bench.rows import BenchRow, spent
from telemetry_sim import SimulationSettings, simulate_day
from warehouse.contracts import ModelCalls
from warehouse.lake import Lake


def lake(*, full: bool = False) -> list[BenchRow]:  # noqa: ARG001 - nothing here takes long
    """Rows landed per CPU second, against bare Parquet."""
    settings = SimulationSettings(calls_per_day=300_000)
    calls = simulate_day(settings, settings.first_day).model_calls
    with TemporaryDirectory() as folder:
        store = Lake.open(Path(folder) / "home")
        part = {"day": settings.first_day}
        store.replace("model_calls", calls.head(1), schema=ModelCalls, partition=part)
        write = partial(store.replace, "model_calls", calls, schema=ModelCalls, partition=part)
        landing, _ = spent(write)
        writing, _ = spent(partial(calls.write_parquet, Path(folder) / "calls.parquet"))
        store.close()
    rows = len(calls)
    return [
        BenchRow(
            suite="lake",
            case=f"{rows:,} rows",
            value=rows / landing.cpu_s,
            unit="rows/CPU-s",
            against="write_parquet",
            against_value=rows / writing.cpu_s,
        )
    ]
