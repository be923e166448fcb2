"""The content of a report: features of the days from the lake, findings of the exploration, the words around them."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from featurize import TrafficSummary, cache_life_curve, workload_card
from pipelines.exploration.findings import Findings
from pipelines.exploration.lineage import CHIP_SCHEMA, SURFACE_SCHEMA, history_of
from pipelines.exploration.telling.words import doubts, headline
from pipelines.lake_days import read_days
from pipelines.report import HistoryRow, ReportContent, RunFacts
from warehouse.lake import Lake


def report_content(
    lake: Lake, run: RunFacts, findings: Findings, decisions: tuple[HistoryRow, ...] = ()
) -> ReportContent:
    """Everything the report shows of one run; `with_generations` adds the runs before it.

    Args:
        lake: The data set, whose feature tables are read for the run's days.
        run: Where the report comes from.
        findings: What the exploration found.
        decisions: What became of its recommendations.
    """
    card = card_frame(lake, run.days)
    history = history_of(lake, run.days)
    reuse = read_days(lake, "prefix_reuse", run.days)
    tp_count = pl.col("llm").replace_strict(dict(findings.fleet.select("llm", "tp_count").iter_rows()))
    return ReportContent(
        run=run,
        headline=headline(run, findings),
        card=card,
        load=_load(lake, run.days),
        waits=read_days(lake, "wait_profile", run.days).collect(),
        stalls=read_days(lake, "stall_profile", run.days).collect(),
        abandonment=read_days(lake, "abandonment_curve", run.days).collect(),
        thresholds=history.frames["abandonment_thresholds"],
        growth=read_days(lake, "context_growth", run.days).collect(),
        context_trend=history.frames["context_trend"],
        drift=history.frames["workload_drift"],
        emerging=history.frames["emerging_workloads"],
        forecast=history.frames["demand_forecast"],
        reuse=reuse.collect(),
        cache_life=cache_life_curve(reuse).collect(),
        lacking=history.lacking,
        hotspots=findings.hotspots.with_columns(pl.col("work_flop", "traffic_bytes") / tp_count),
        roofs=findings.roofs,
        service=findings.service,
        fleet=findings.fleet,
        explained=findings.explained,
        designs=findings.designs,
        recommendations=findings.recommendations,
        calibration=findings.calibration,
        robustness=findings.robustness,
        refused=findings.refused,
        evidence=findings.evidence,
        risks=findings.risks,
        supply=findings.supply,
        developers=findings.developers,
        projects=findings.projects,
        generations=pl.DataFrame(schema=CHIP_SCHEMA),
        generation_surfaces=pl.DataFrame(schema=SURFACE_SCHEMA),
        explanation=findings.explanation,
        interactivity=findings.interactivity,
        chip_errors=findings.chip_errors,
        decisions=decisions,
        doubts=doubts(findings),
    )


def card_frame(lake: Lake, days: Sequence[date]) -> pl.DataFrame:
    """The workload card: one row for all calls and one per surface, percentiles exact."""
    calls = read_days(lake, "model_calls", days)
    card = workload_card(calls)
    waits = {scope: (row["p50"], row["p95"]) for scope, row in _first_token(calls).items()}
    whole = card.overall.call_count
    scopes = (card.overall, *card.by_surface)
    return pl.DataFrame(
        [_card_row(s, whole, waits.get(s.scope, (None, None))) for s in scopes], infer_schema_length=None
    )


def _card_row(scope: TrafficSummary, whole: int, ttft_s: tuple[float | None, float | None]) -> dict[str, object]:
    row: dict[str, object] = {
        "surface": scope.scope,
        "calls": scope.call_count,
        "sessions": scope.session_count,
        "call_share_ratio": scope.call_count / whole,
    }
    for name, percentiles in (("input", scope.input), ("output", scope.output)):
        for point in ("p50", "p90", "p99"):
            value = None if percentiles is None else getattr(percentiles, f"{point}_tokens")
            row[f"{name}_{point}_tokens"] = value
    return row | {
        "shared_ratio": scope.shared_ratio,
        "calls_per_session_p50_count": scope.calls_per_session_p50_count,
        "ttft_p50_s": ttft_s[0],
        "ttft_p95_s": ttft_s[1],
        "cut_ratio": scope.cut_ratio,
    }


def _first_token(calls: pl.LazyFrame) -> dict[str, dict[str, float | None]]:
    """Median and 95th percentile of time to first token, by surface and for `all`."""
    wanted = {"p50": pl.col("ttft_s").quantile(0.5, "linear"), "p95": pl.col("ttft_s").quantile(0.95, "linear")}
    by_surface = calls.group_by(scope=pl.col("surface").cast(pl.String)).agg(**wanted)
    overall = calls.select(scope=pl.lit("all"), **wanted)
    rows = pl.concat([by_surface, overall]).collect().iter_rows(named=True)
    return {row["scope"]: {"p50": row["p50"], "p95": row["p95"]} for row in rows}


def _load(lake: Lake, days: Sequence[date]) -> pl.DataFrame:
    calls = read_days(lake, "model_calls", days)
    by_hour = calls.group_by(pl.col("requested_at").dt.truncate("1h").alias("hour"), "surface")
    return by_hour.agg(call_count=pl.len().cast(pl.Int64)).sort("hour", "surface").collect()
