"""The report asset: the page that goes into the architecture review."""

import dagster as dg

from pipelines.assets.spec import report_asset
from pipelines.exploration.telling import render_run
from pipelines.recording import Materialized
from pipelines.resources import LakeResource, LedgerResource, LoopResource


@dg.multi_asset(
    name="report",
    specs=[
        report_asset(
            "report",
            deps=(
                "recommendations",
                "kernel_hotspots",
                "workload_mix",
                "wait_profile",
                "stall_profile",
                "context_growth",
                "abandonment_curve",
                "abandonment_thresholds",
                "context_trend",
                "workload_drift",
                "emerging_workloads",
                "demand_forecast",
                "prefix_reuse",
            ),
        )
    ],
)
def report(
    context: dg.AssetExecutionContext, lake: LakeResource, ledger: LedgerResource, loop: LoopResource
) -> Materialized:
    """Renders the findings of the run as HTML, Markdown and JSON."""
    run_id = loop.run_id or context.run_id
    with lake.opened() as tables, ledger.opened() as records:
        files = render_run(tables, records, lake.folders, run_id, days=loop.chosen_days())
    return dg.MaterializeResult(
        asset_key="report",
        metadata={
            "report": dg.MetadataValue.path(str(files.html)),
            "open": dg.MetadataValue.url(files.html.as_uri()),
            "summary": dg.MetadataValue.md(files.summary.read_text()),
        },
    )
