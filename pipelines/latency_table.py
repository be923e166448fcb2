"""The table of latencies that one service hands to the next: made of a replay, kept as a file, read as a law."""

from collections.abc import Mapping
from pathlib import Path

import dataframely as dy
import polars as pl

from hwmodel.catalog import load_catalog
from hwmodel.serving.explained import DeclaredIncumbent, Served, pools_of, replay_pool, service_latency
from pipelines.errors import BadInput
from telemetry_sim import LatencyError, MeasuredLatency, PartlyMeasured
from warehouse.contracts import ServiceLatency


def replayed_latency(
    demand: pl.DataFrame,
    policy: pl.DataFrame,
    incumbent: DeclaredIncumbent,
    *,
    replicas_by_llm: Mapping[str, float],
    host_step_s: float,
    seed: int = 0,
) -> dy.DataFrame[ServiceLatency]:
    """How long the calls of whole days take on a chip, by surface, tier, hour and tokens.

    Args:
        demand: Valid under `DemandCalls`; whole days, so that every hour of the day is measured.
        policy: Valid under `ServingPolicy`.
        incumbent: The chip that serves, and the width of each LLM's replica.
        replicas_by_llm: Replicas per traffic of the demand. A fleet sized for a thousand times the telemetry has a
            thousandth of its replicas here. Calls of an LLM that has none, because the window that sized the fleets
            held no call of it, are left out: their surfaces keep the incumbent's laws (`measured_latency`).
        host_step_s: Time per step that the chip waits for the host.
        seed: Of sessions added where a replica serves more than the telemetry's traffic.
    """
    pools = [pool for pool in pools_of(demand, policy, load_catalog()) if pool.llm.id in replicas_by_llm]
    served = [
        replay_pool(
            incumbent, pool, replicas_ratio=replicas_by_llm[pool.llm.id], host_step_s=host_step_s, seed=seed
        ).served
        for pool in pools
    ]
    return service_latency(Served.joined(served).calls)


def write_latency(path: Path, latencies: dy.DataFrame[ServiceLatency]) -> None:
    """Keep a table as a Parquet file, whole or not at all."""
    half = path.with_name(f".{path.name}.part")
    latencies.write_parquet(half)
    half.replace(path)


def measured_latency(path: Path) -> PartlyMeasured:
    """The law of a table on disk; surfaces that it does not hold keep the incumbent's laws.

    Raises:
        BadInput: The file cannot be read as measured latencies.
    """
    try:
        measured = MeasuredLatency.of(ServiceLatency.validate(pl.read_parquet(path), cast=True))
    except (OSError, pl.exceptions.PolarsError, dy.exc.SchemaError, dy.exc.ValidationError, LatencyError) as error:
        raise BadInput(f"measured latencies {path.name}: {error}; give a file that a replay wrote") from error
    return PartlyMeasured(measured=measured)
