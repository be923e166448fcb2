"""Generations: the accepted design goes into service, demand answers to it, and the loop runs again on both."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import dataframely as dy
import polars as pl

from hwmodel.serving.explained import DeclaredIncumbent
from hwmodel.timing import HOST_STEP_S
from pipelines.errors import BadInput
from pipelines.exploration import loop_inputs
from pipelines.exploration.keeping import load_findings
from pipelines.home import prepare_home
from pipelines.incumbent import incumbent_design
from pipelines.latency_table import replayed_latency, write_latency
from pipelines.resources import LakeResource, LedgerResource
from pipelines.run_loop import Progress, RunRequest, RunSummary, run_loop
from pipelines.run_record import GenerationStep
from pipelines.source import SimulatedSource, Source, StoredSource
from telemetry_sim import ServiceChange, answered, elasticities, volume_ratio
from warehouse.contracts import ServiceLatency, Surface
from warehouse.ledger import Recommendation, RecommendationStatus

MOST_GENERATIONS = 10
LATENCY_FILE = "latency.parquet"
"""The accepted design's latencies as replayed, in the folder of the run that recommended it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationPlan:
    """How many generations, and how strongly demand answers."""

    count: int
    elasticity_ratio: float = 1.0
    """Factor on the declared elasticities; at 0 demand stays what it was, to the byte."""

    def __post_init__(self) -> None:
        if not 1 <= self.count <= MOST_GENERATIONS:
            raise BadInput(f"{self.count} generations cannot be run; choose 1 to {MOST_GENERATIONS}")
        if not 0.0 <= self.elasticity_ratio <= 10.0:
            raise BadInput(f"elasticity {self.elasticity_ratio:g} is outside [0, 10]; 1 takes the declared ones")


def run_generations(
    request: RunRequest, plan: GenerationPlan, progress: Progress | None = None
) -> tuple[RunSummary, ...]:
    """Run the loop once per generation; fewer where a generation recommends no change.

    Raises:
        BadInput: Demand is to answer, but is read from a trace.
        And whatever `run_loop` raises.
    """
    if plan.count > 1 and plan.elasticity_ratio > 0.0 and not isinstance(request.source, SimulatedSource):
        raise BadInput("the demand of a trace cannot answer to another chip; give --elasticity 0, or simulate")
    step = GenerationStep(number=1, elasticity_ratio=plan.elasticity_ratio)
    request = replace(request, generation=step if plan.count > 1 else None)
    summaries = [run_loop(request, progress)]
    while len(summaries) < plan.count:
        accepted = accept_best(request.settings.home, summaries[-1].run_id, number=len(summaries) + 1)
        if accepted is None:
            break
        request = _next(request, accepted, plan, number=len(summaries) + 1)
        summaries.append(run_loop(request, progress))
    return tuple(summaries)


def accept_best(home: Path, run_id: str, *, number: int) -> Recommendation | None:
    """The best recommended design of a run, accepted in the ledger; None where no change is recommended."""
    with LedgerResource(home=str(home)).opened() as ledger:
        proposed = ledger.recommendations_of(run_id)
        if not proposed:
            return None
        return ledger.decide(
            run_id,
            proposed[0].design_id,
            status=RecommendationStatus.ACCEPTED,
            why=f"put into service as generation {number}",
            at=datetime.now(UTC),
        )


def moved_demand(changes: pl.DataFrame, *, scale_ratio: float) -> dict[str, dict[str, float]]:
    """By surface: what became of price and latency, and of the volume by the declared elasticities.

    Args:
        changes: surface, price_ratio, latency_ratio, as in the findings.
        scale_ratio: Factor on the elasticities.
    """
    moved: dict[str, dict[str, float]] = {}
    for row in changes.iter_rows(named=True):
        change = ServiceChange(price_ratio=row["price_ratio"], latency_ratio=row["latency_ratio"])
        surface = Surface(row["surface"])
        volumes = {
            name: volume_ratio(change, elasticities(end)[surface], scale_ratio=scale_ratio)
            for name, end in (("volume_ratio", "typical"), ("volume_low_ratio", "low"), ("volume_high_ratio", "high"))
        }
        moved[surface.value] = {
            "price_ratio": change.price_ratio,
            "latency_ratio": change.latency_ratio,
            **volumes,
        }
    return moved


def _next(request: RunRequest, accepted: Recommendation, plan: GenerationPlan, *, number: int) -> RunRequest:
    """The same request on the accepted design, with the demand that answers to it."""
    folder = prepare_home(request.settings.home).report(accepted.run_id)
    findings = load_findings(folder)
    moved = moved_demand(
        findings.service_changes.filter(pl.col("design_id") == accepted.design_id), scale_ratio=plan.elasticity_ratio
    )
    latency_path = folder / LATENCY_FILE if plan.elasticity_ratio > 0.0 else None
    if latency_path is not None:
        write_latency(latency_path, _latency(request, accepted, findings.handover))
    return replace(
        request,
        source=answering(request.source, moved, latency_path, number=number),
        baseline=named(accepted),
        generation=GenerationStep(
            number=number,
            elasticity_ratio=plan.elasticity_ratio,
            previous_run_id=accepted.run_id,
            design_id=accepted.design_id,
            moved=moved,
        ),
    )


def _latency(request: RunRequest, accepted: Recommendation, handover: pl.DataFrame) -> dy.DataFrame[ServiceLatency]:
    """Latencies of all days of a generation, replayed on the accepted design's fleet."""
    home, source = str(request.settings.home), request.source
    with LedgerResource(home=home).opened() as ledger:
        design = incumbent_design(named(accepted), ledger, allow_estimates=request.allow_estimates)
    with LakeResource(home=home, dataset=source.dataset).opened() as lake:
        inputs = loop_inputs(lake, source.days(), llm=request.llm)
    return replayed_latency(
        inputs.demand,
        inputs.policy,
        DeclaredIncumbent(design=design, tp_by_llm=dict(handover.select("llm", "tp_count").iter_rows())),
        replicas_by_llm=dict(handover.select("llm", "replicas_ratio").iter_rows()),
        host_step_s=HOST_STEP_S,
        seed=source.seed,
    )


def named(accepted: Recommendation) -> str:
    """A recommendation as a baseline is named."""
    return f"{accepted.run_id}:{accepted.rank}"


def answering(
    source: Source | StoredSource,
    moved: Mapping[str, Mapping[str, float]],
    latency_path: Path | None = None,
    *,
    number: int,
) -> Source | StoredSource:
    """The source of the next generation, in a data set of its own; a surface that the window did not hold stays.

    Args:
        source: Of the generation before.
        moved: As `moved_demand` tells it.
        latency_path: Measured latencies that users meet; the incumbent's laws by default.
        number: Of the next generation.
    """
    if isinstance(source, StoredSource):
        return source
    dataset = f"{source.dataset.removesuffix(f'_generation_{number - 1}')}_generation_{number}"
    if not isinstance(source, SimulatedSource):
        return replace(source, dataset_name=dataset)
    ratios = {surface: moved.get(surface.value, {}).get("volume_ratio", 1.0) for surface in Surface}
    settings = answered(source.settings, ratios)
    return replace(source, settings=settings, dataset_name=dataset, latency_path=latency_path)
