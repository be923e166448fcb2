"""Findings written where they stay: tables to the lake, recommendations to the ledger, all to the run's folder."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import dagster as dg

from pipelines.checks import contract_results
from pipelines.exploration.findings import Findings
from pipelines.exploration.keeping.log import LedgerLog
from pipelines.exploration.keeping.store import save_findings
from pipelines.recording import Materialized, materialized
from pipelines.tables import TABLES
from warehouse import ledger as records
from warehouse.lake import Lake

Checks = Mapping[str, Sequence[dg.AssetCheckResult]]


def recorded_tables(lake: Lake, findings: Findings, *, seed: int, checks: Checks) -> Iterator[Materialized]:
    """Replace the hardware tables of the data set by what was found."""
    frames = {
        "step_bins": findings.step_bins,
        "kernel_hotspots": findings.hotspots,
        "design_evaluations": findings.evaluations,
    }
    for table, frame in frames.items():
        schema = TABLES[table].schema
        receipt = lake.replace(table, frame.sort(schema.primary_key()), schema=schema, partition=None)
        rows = lake.scan(table, schema=schema).collect()
        results = [*contract_results(table, rows), *checks.get(table, ())]
        yield materialized(lake, receipt, rows, seed=seed, checks=results)


def recorded_recommendations(log: LedgerLog, findings: Findings, folder: Path, *, checks: Checks) -> Materialized:
    """Propose the recommended designs in the ledger and keep the findings for the report."""
    proposed = [view for view in findings.recommendations if view.recommended]
    with log.ledger.unit_of_work() as work:
        for view in proposed:
            work.recommendations.save(
                records.Recommendation(
                    run_id=log.run_id,
                    design_id=view.design_id,
                    rank=view.rank,
                    change={c.parameter: [c.before, c.after, c.unit] for c in view.changes},
                    predicted_gain_ratio=1.0 + view.predicted_gain.mid,
                    low=1.0 + view.predicted_gain.low,
                    high=1.0 + view.predicted_gain.high,
                    reevaluated_gain_ratio=None if view.reevaluated_gain is None else 1.0 + view.reevaluated_gain,
                    evidence={"kind": view.evidence, "silicon_low_ratio": 1.0 + view.silicon_gain.low},
                )
            )
    path = save_findings(folder, findings)
    return dg.MaterializeResult(
        asset_key="recommendations",
        metadata={
            "recommended": len(proposed),
            "finalists": len(findings.recommendations),
            "designs_replayed": findings.replayed_count,
            "designs_scored": findings.scored_count,
            "titles": dg.MetadataValue.md("\n".join(f"{v.rank}. {v.title}" for v in proposed) or "none"),
            "findings": dg.MetadataValue.path(str(path)),
        },
        check_results=list(checks.get("recommendations", ())),
    )
