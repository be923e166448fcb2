"""What the search is judged by: every design of a subspace replayed once, on a small cell of the default mix."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Float

import featurize
from hwmodel.catalog import design_of, load_catalog
from hwmodel.design import (
    AbandonmentModel,
    CellSize,
    DesignSpace,
    Evaluation,
    Scenario,
    evaluate,
    evaluate_many,
    guessing,
    scenario_of,
    space_around,
)
from hwmodel.physical import limits
from pipelines.code_version import code_version
from pipelines.policy import serving_policy
from telemetry_sim import SimulationSettings, simulate_day

CELL = CellSize(window_s=45.0, lead_in_s=15.0, replicas_count=12.0, widths_count=1)
"""Small enough that one design takes a fifth of a CPU second. With six replicas fleets jump by several per cent: what
no learner can tell, from 140 replays or 4,000, is 6 to 8 % of a design's value there, and 4 to 5 % with twelve."""
PEAK_S = 60
"""The cell begins with the busiest minute."""
CALLS_PER_DAY = 60_000
SEED = 0
RATIOS: dict[str, tuple[float, ...]] = {
    "cores_count": (0.7, 0.85, 1.0, 1.15),
    "matrix_flop_per_clk": (0.5, 1.0, 2.0),
    "clock_hz": (0.8, 0.9, 1.0, 1.1),
    "l2_bytes": (0.5, 1.0, 1.5, 2.0, 3.0),
    "link_bytes_per_s": (0.5, 1.0, 2.0),
    "launch_latency_s": (1.0, 0.5),
    "collective_latency_s": (1.0, 0.5),
}
"""Levels over the baseline's. Parameters that are named neither here nor below stay at the baseline's value."""
LEVELS: dict[str, tuple[float, ...]] = {
    "hbm_stacks_count": (4.0, 5.0, 6.0),
    "hbm_generation": (0.0, 1.0, 2.0),
}
DESIGNS_COUNT = 5_000
CHUNK = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchCase:
    """A demand and the designs that may serve it."""

    scenario: Scenario
    """Its fleets are looked for where the baseline's were found."""
    space: DesignSpace
    baseline: Evaluation


def search_case() -> SearchCase:
    """The default mix of six surfaces in the busiest minute of a simulated day, and the subspace around the H100."""
    settings = SimulationSettings(calls_per_day=CALLS_PER_DAY)
    day, policy = simulate_day(settings, settings.first_day), serving_policy()
    calls, sessions = pl.DataFrame(day.model_calls).lazy(), pl.DataFrame(day.sessions).lazy()
    demand = featurize.demand_calls(calls, policy.lazy(), sessions, seed=SEED).collect()
    chip = design_of(load_catalog().chip("h100-sxm"))
    scenario = scenario_of(
        demand,
        policy,
        name="search benchmark",
        baseline=chip,
        catalog=load_catalog(),
        abandonment=AbandonmentModel.of(featurize.abandonment_curve(calls, sessions).collect()),
        window_start=featurize.peak_window(demand.lazy(), window_s=PEAK_S).start,
        cell=CELL,
        traffic_ratio=1000.0,
        seed=SEED,
    )
    baseline = evaluate(chip, scenario)
    return SearchCase(
        scenario=guessing(scenario, baseline.guesses()), space=subspace(space_around(chip)), baseline=baseline
    )


def subspace(space: DesignSpace) -> DesignSpace:
    """The space with the levels of this benchmark: all their combinations, feasible or not."""
    base = space.values_of_baseline()

    def levels(name: str) -> tuple[float, ...]:
        if name == "cores_count":
            return tuple(base[name] if r == 1.0 else 2.0 * round(base[name] * r / 2.0) for r in RATIOS[name])
        if name in RATIOS:
            return tuple(base[name] * ratio for ratio in RATIOS[name])
        return LEVELS.get(name, (base[name],))

    return replace(space, parameters=tuple(replace(p, levels=levels(p.name)) for p in space.parameters))


def chosen_points(space: DesignSpace) -> Float[np.ndarray, "designs parameters"]:
    """Feasible points of the subspace, drawn without replacement, in the order in which they are drawn."""
    points = space.points()
    feasible = points[limits(space.designs(points), baseline=space.baseline).feasible]
    return np.random.default_rng(SEED).permutation(feasible)[:DESIGNS_COUNT]


def made_truth(path: Path, told: Callable[[str], None]) -> pl.DataFrame:
    """Replay every feasible design of the subspace and keep what each gave; goes on where it was cut off."""
    case = search_case()
    points = chosen_points(case.space)
    done = pl.read_parquet(path).to_dicts() if path.exists() else []
    path.parent.mkdir(parents=True, exist_ok=True)
    for rows in _chunks(len(done), len(points)):
        done += replayed(case, points[rows])
        if rows[-1] + 1 == len(points) or len(done) % (10 * CHUNK) == 0:
            _write(pl.DataFrame(done), path)
        told(f"{len(done):,} of {len(points):,} designs replayed")
    return pl.DataFrame(done)


def replayed(case: SearchCase, points: Float[np.ndarray, "designs parameters"]) -> list[dict[str, float]]:
    """Parameters and replayed values of some points; values are not a number where no fleet keeps the promises."""
    table = case.space.designs(points)
    designs = [table.row(row) for row in range(len(points))]
    found = evaluate_many(designs, case.scenario, workers_count=1)
    names = case.space.names
    return [
        dict(zip(names, point.tolist(), strict=True)) | measures(one) for point, one in zip(points, found, strict=True)
    ]


def measures(found: Evaluation | None) -> dict[str, float]:
    """What is kept of an evaluation."""
    if found is None:
        return dict.fromkeys(MEASURES, float("nan"))
    values = (
        found.curves["value_per_usd_ratio"],
        found.curves["value_usd_per_j"],
        found.chips_needed,
        found.percentile("ttft_s", 95.0),
        found.percentile("tpot_s", 95.0),
        1.0 - found.late_ratio,
    )
    return dict(zip(MEASURES, values, strict=True))


MEASURES = ("value_per_usd_ratio", "value_usd_per_j", "chips_count", "ttft_p95_s", "tpot_p95_s", "attainment_ratio")


def _chunks(first: int, count: int) -> Iterator[Sequence[int]]:
    for start in range(first, count, CHUNK):
        yield range(start, min(start + CHUNK, count))


def _write(frame: pl.DataFrame, path: Path) -> None:
    told = {"code_version": code_version(), "cell": repr(CELL), "calls_per_day": str(CALLS_PER_DAY), "seed": str(SEED)}
    frame.write_parquet(path, compression="zstd", compression_level=19, metadata=told)
