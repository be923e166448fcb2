"""A change that history made: the chip model's word on a memory that it has not seen, beside matched measured runs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import polars as pl
from jaxtyping import Float

from hwmodel.catalog import ChipDesign, DesignTable, LlmSpec, load_catalog
from hwmodel.serving import DoesNotFit, Replica, StepTimer, step_cost_tables
from hwmodel.serving.accuracy.closed_loop import ClosedLoop, run_closed_loop
from hwmodel.serving.accuracy.deployed import ENGINE, in_precision
from hwmodel.serving.accuracy.measured_runs import SPREAD_RATIO, SPREAD_SHAPES
from hwmodel.timing import TimingConstants

PLACE = ("llm", "precision", "tp_size", "ep", "engine_host_s")
"""What makes a replica."""
LOAD = (*PLACE, "batch_size", "isl", "osl")
"""What makes a run of the simulator; `batch_size` is the concurrency."""
MATCH = ("model_path", "backend", "backend_version", "gemm_quant_mode", "moe_quant_mode", *LOAD)
"""What two measured runs must share: a version that is not named matches one that is not named either."""
MEMORY = ("hbm_stacks_count", "hbm_stack_bytes", "hbm_stack_bytes_per_s")
"""Numbers of a design that are its memory."""

Predictor = Literal["ours", "no gain", "bandwidth"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PastChangeRow:
    """Errors of one predictor on one LLM's matched runs; speed-ups are time before over time after."""

    llm: str
    measure: str
    """`tpot` is scored, `ttft` is told."""
    predictor: Predictor
    runs: int
    measured_median_speedup: float
    predicted_median_speedup: float
    median_error: float
    mean_error: float
    interval_half_width: float | None
    """Of the 90 % interval of the speed-up, as a share of it; None where a predictor claims none."""
    interval_coverage: float | None


def with_memory_of(chip: ChipDesign, other: ChipDesign) -> ChipDesign:
    """The chip with the other's stacks and nothing else of it."""
    memory = {name: getattr(other, name) for name in MEMORY}
    return replace(chip, name=f"{chip.name}+memory-of-{other.name}", **memory)


def matched_runs(used: pl.DataFrame, before: str, after: str) -> pl.DataFrame:
    """Runs measured on both chips that agree in all of `MATCH`; repeats on a chip count once, by their median.

    Args:
        used: As `used_rows` keeps them.
        before: Id of the earlier chip.
        after: Of the later one.

    Returns:
        `MATCH`, tpot_s, ttft_s of the earlier chip, tpot_s_after, ttft_s_after of the later one.
    """
    early, late = (_once(used.filter(pl.col("chip") == chip)) for chip in (before, after))
    return early.join(late, on=list(MATCH), how="inner", nulls_equal=True, suffix="_after").sort(list(MATCH))


def _once(runs: pl.DataFrame) -> pl.DataFrame:
    tpot, ttft = (pl.col(f"silicon_{name}_ms").median() / 1e3 for name in ("tpot", "ttft"))
    return runs.group_by(MATCH).agg(tpot_s=tpot, ttft_s=ttft)


def predicted_ratios(
    runs: pl.DataFrame, before: ChipDesign, after: ChipDesign, constants: TimingConstants
) -> pl.DataFrame:
    """The runs with `tpot_speedup` and `ttft_speedup`, earlier over later chip; without loads that do not fit both."""
    asked = runs.select(LOAD).unique(maintain_order=True).sort(PLACE)
    early, late = (_times(asked, chip, constants) for chip in (before, after))
    told = asked.with_columns(
        tpot_speedup=pl.Series(early[:, 0] / late[:, 0]), ttft_speedup=pl.Series(early[:, 1] / late[:, 1])
    )
    joined = runs.join(told, on=list(LOAD), how="left", maintain_order="left")
    return joined.filter(pl.col("tpot_speedup").is_finite())


def _times(asked: pl.DataFrame, chip: ChipDesign, constants: TimingConstants) -> Float[np.ndarray, "loads 2"]:
    replicas: dict[tuple[object, ...], Replica | None] = {}
    found = np.full((len(asked), 2), np.nan)
    for at, row in enumerate(asked.iter_rows(named=True)):
        place = tuple(row[name] for name in PLACE)
        if place not in replicas:
            llm = load_catalog().llm(row["llm"])
            replicas[place] = _replica(llm, row, chip, constants)
        replica = replicas[place]
        if replica is not None:
            found[at] = _loop(replica, row["batch_size"], row["isl"], row["osl"])
    return found


def _replica(llm: LlmSpec, row: Mapping[str, Any], chip: ChipDesign, constants: TimingConstants) -> Replica | None:
    setup = in_precision(llm, row["precision"], chip, tp_count=row["tp_size"], ep_count=row["ep"])
    timer = StepTimer(
        designs=DesignTable.of([chip]),
        llm=setup.llm,
        deployment=setup.deployment,
        constants=constants,
        host_step_s=row["engine_host_s"],
    )
    try:
        return step_cost_tables(timer, scheduler=ENGINE).replica(0)
    except DoesNotFit:
        return None


def _loop(replica: Replica, users: int, isl: int, osl: int) -> tuple[float, float]:
    least = SPREAD_RATIO if (isl, osl) in SPREAD_SHAPES else 1.0
    loop = ClosedLoop(concurrency=users, input_tokens=isl, output_tokens=osl, least_length_ratio=least)
    try:
        times = run_closed_loop(loop, replica, ENGINE)
    except DoesNotFit:
        return np.nan, np.nan
    return times.tpot_s, times.ttft_s


def past_change_rows(told: pl.DataFrame, *, bandwidth_ratio: float, log_width: float) -> list[PastChangeRow]:
    """Errors by LLM: of the model, of who says nothing changes, of who says that time follows the bandwidth.

    Args:
        told: As `predicted_ratios` returns them.
        bandwidth_ratio: Bandwidth of the later memory over the earlier one's.
        log_width: Half-width of the 90 % interval of a speed-up, in log.
    """
    rows: list[PastChangeRow] = []
    for llm in sorted(told["llm"].unique().to_list()):
        part = told.filter(llm=llm)
        for measure in ("tpot", "ttft"):
            measured = (part[f"{measure}_s"] / part[f"{measure}_s_after"]).to_numpy()
            same = np.ones(len(part))
            says: tuple[tuple[Predictor, Float[np.ndarray, runs]], ...] = (
                ("ours", part[f"{measure}_speedup"].to_numpy()),
                ("no gain", same),
                ("bandwidth", same * bandwidth_ratio),
            )
            rows += [_row(llm, measure, name, said, measured, log_width) for name, said in says]
    return rows


def _row(  # noqa: PLR0917 - one row's parts
    llm: str,
    measure: str,
    predictor: Predictor,
    said: Float[np.ndarray, "runs"],
    measured: Float[np.ndarray, "runs"],
    log_width: float,
) -> PastChangeRow:
    error = np.abs(said / measured - 1.0)
    has_interval = predictor == "ours" and measure == "tpot"
    covered = np.abs(np.log(said / measured)) <= log_width
    return PastChangeRow(
        llm=llm,
        measure=measure,
        predictor=predictor,
        runs=len(measured),
        measured_median_speedup=float(np.median(measured)),
        predicted_median_speedup=float(np.median(said)),
        median_error=float(np.median(error)),
        mean_error=float(error.mean()),
        interval_half_width=float(np.expm1(log_width)) if has_interval else None,
        interval_coverage=float(covered.mean()) if has_interval else None,
    )
