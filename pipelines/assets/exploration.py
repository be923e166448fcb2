"""Hardware assets: where the demand runs hot on the incumbent, which designs were tried, and what is recommended."""

from collections.abc import Iterator

import dagster as dg

from pipelines.assets.spec import LAKE_POOL, ledger_asset, table_asset, table_checks
from pipelines.exploration import explore, loop_inputs
from pipelines.exploration.checks import physics_checks, physics_specs
from pipelines.exploration.explorer import explorer_of
from pipelines.exploration.keeping import recorded_recommendations, recorded_tables
from pipelines.recording import Materialized, io_retried
from pipelines.resources import LakeResource, LedgerResource, LoopResource, SourceResource


@dg.multi_asset(
    name="exploration",
    specs=[
        table_asset("step_bins", deps=("demand_calls",)),
        table_asset("kernel_hotspots", deps=("step_bins",)),
        table_asset("design_evaluations", deps=("kernel_hotspots", "demand_calls", "abandonment_curve")),
        ledger_asset("recommendations", deps=("design_evaluations",)),
    ],
    check_specs=[*table_checks("step_bins", "kernel_hotspots", "design_evaluations"), *physics_specs()],
    pool=LAKE_POOL,
)
def exploration(
    context: dg.AssetExecutionContext,
    lake: LakeResource,
    ledger: LedgerResource,
    loop: LoopResource,
    source: SourceResource,
) -> Iterator[Materialized]:
    """Baseline, search, re-evaluation and bill, for the days of the loop."""
    run_id = loop.run_id or context.run_id
    with io_retried(context), lake.opened() as tables, ledger.opened() as records:
        explorer = explorer_of(loop, records, run_id=run_id, seed=source.seed, tell=context.log.info)
        findings = explore(loop_inputs(tables, loop.chosen_days(), llm=loop.llm or None), explorer)
        checks = physics_checks(findings)
        yield from recorded_tables(tables, findings, seed=source.seed, checks=checks)
        yield recorded_recommendations(explorer.log, findings, lake.folders.report(run_id), checks=checks)
