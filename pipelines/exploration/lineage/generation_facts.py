"""One generation in numbers, kept beside its report so that the reports of later ones can tell the whole chain."""

import json
from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from pipelines.exploration.findings import Findings
from pipelines.home import HomeFolders
from pipelines.report import ReportContent
from warehouse.ledger import Generation

FACTS_FILE = "generation.json"
CURVES = ("value_per_usd_ratio", "value_usd_per_j", "value_usd_per_rack_h", "value_usd_per_latency_s")
CHIP_SCHEMA = {
    "generation": pl.Int64,
    "run_id": pl.String,
    "chip": pl.String,
    "call_count": pl.Int64,
    "session_count": pl.Int64,
    "chips_count": pl.Float64,
    "binding_resource": pl.String,
    "binding_ratio": pl.Float64,
    **dict.fromkeys(CURVES, pl.Float64),
    "next_change": pl.String,
}
SURFACE_SCHEMA = {
    "generation": pl.Int64,
    "surface": pl.String,
    "call_count": pl.Int64,
    "ttft_p50_s": pl.Float64,
    "ttft_p95_s": pl.Float64,
    "cut_ratio": pl.Float64,
    "price_ratio": pl.Float64,
    "latency_ratio": pl.Float64,
    "volume_ratio": pl.Float64,
}
"""What of a surface's demand moved; the last three over the generation before, null for the first."""


def with_generations(
    content: ReportContent, findings: Findings, chain: Sequence[Generation], folders: HomeFolders
) -> ReportContent:
    """The content with its chain of generations, whose last is this run; a run on its own stays as it is.

    Keeps this run's rows in its folder. A generation whose folder was deleted is left out.
    """
    if not chain:
        return content
    facts = {
        "chips": [_chip_row(content, findings.evaluations, chain[-1])],
        "surfaces": _surface_rows(content.card, chain[-1]),
    }
    (folders.report(chain[-1].run_id) / FACTS_FILE).write_text(json.dumps(facts, indent=1) + "\n")
    files = [folders.report(each.run_id) / FACTS_FILE for each in chain]
    told = [json.loads(file.read_text()) for file in files if file.exists()]
    return replace(
        content,
        generations=_named_by_change([row for each in told for row in each["chips"]]),
        generation_surfaces=pl.DataFrame([row for each in told for row in each["surfaces"]], schema=SURFACE_SCHEMA),
    )


def _named_by_change(chips: list[dict[str, object]]) -> pl.DataFrame:
    """Chips in service; one that was accepted is called by the change that the generation before it was told."""
    frame = pl.DataFrame(chips, schema=CHIP_SCHEMA)
    is_next = pl.col("generation").diff() == 1
    return frame.with_columns(pl.when(is_next).then(pl.col("next_change").shift(1)).otherwise("chip").alias("chip"))


def _chip_row(content: ReportContent, evaluations: pl.DataFrame, generation: Generation) -> dict[str, object]:
    """The chip in service; the baseline's evaluation is the first."""
    curves = evaluations.row(0, named=True)
    overall = content.card.filter(pl.col("surface") == "all").row(0, named=True)
    by_resource = content.hotspots.group_by("binding_resource").agg(pl.col("time_s").sum()).sort("time_s")
    resource, busy_s = by_resource.row(-1)
    proposed = [view.title for view in content.recommendations if view.recommended]
    return {
        "generation": generation.number,
        "run_id": generation.run_id,
        "chip": content.run.baseline,
        "call_count": overall["calls"],
        "session_count": overall["sessions"],
        "chips_count": float(content.fleet["chips_count"].sum()),
        "binding_resource": str(resource),
        "binding_ratio": float(busy_s / by_resource["time_s"].sum()),
        **{name: curves[name] for name in CURVES},
        "next_change": proposed[0] if proposed else "none",
    }


def _surface_rows(card: pl.DataFrame, generation: Generation) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for row in card.filter(pl.col("surface") != "all").iter_rows(named=True):
        moved = generation.moved.get(row["surface"])
        changes = moved if isinstance(moved, dict) else {}
        rows.append(
            {
                "generation": generation.number,
                "surface": row["surface"],
                "call_count": row["calls"],
                **{name: row[name] for name in ("ttft_p50_s", "ttft_p95_s", "cut_ratio")},
                **{name: changes.get(name) for name in ("price_ratio", "latency_ratio", "volume_ratio")},
            }
        )
    return rows
