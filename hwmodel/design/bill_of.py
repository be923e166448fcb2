"""The bill of a whole evaluation: every pool's replay counted, priced and scaled to an hour of the whole traffic."""

import polars as pl

from hwmodel.catalog import DesignTable
from hwmodel.design.evaluate import Evaluation, PoolEvaluation
from hwmodel.hotspots import Bill, StepBinTable, kernel_bill, step_bins
from hwmodel.hotspots.bill import MEASURES
from hwmodel.serving import StepTimer, replay, step_cost_tables
from warehouse.contracts import KernelHotspots


def bill_of(evaluation: Evaluation) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Hotspots per hour of the fleet (contract `KernelHotspots`), and the step bins behind them (`StepBins`)."""
    hotspots, bins = [], []
    for part in evaluation.pools:
        table, bill = _pool_bill(evaluation, part)
        per_hour = part.pool.traffic_ratio * 3600.0 / part.fleet.result.span_s
        hotspots.append(bill.hotspots.with_columns(pl.col(measure) * per_hour for measure in MEASURES))
        bins.append(table.frame(part.pool.llm.id))
    return KernelHotspots.validate(pl.concat(hotspots), cast=True), pl.concat(bins)


def _pool_bill(evaluation: Evaluation, part: PoolEvaluation) -> tuple[StepBinTable, Bill]:
    pool = part.pool
    timer = StepTimer(designs=DesignTable.of([evaluation.design]), llm=pool.llm, deployment=part.deployment)
    counted = replay(
        pool.demand,
        step_cost_tables(timer, scheduler=pool.scheduler).replica(0),
        replicas_count=part.fleet.replicas_count,
        scheduler=pool.scheduler,
        counting=True,
    )
    table = step_bins(counted.bins)
    bill = kernel_bill(
        table,
        design=evaluation.design,
        llm=pool.llm,
        deployment=part.deployment,
        usd_per_chip_h=evaluation.usd_per_chip_h,
    )
    return table, bill
