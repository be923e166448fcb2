"""The bill on the baseline: hotspot table, who causes it, roofline, service and fleet."""

from typing import Any

import polars as pl

from pipelines.report.charts import hotspots_by_surface, roofline
from pipelines.report.charts.hotspots import roofline_points
from pipelines.report.content import ReportContent
from pipelines.report.formats import count, percent, ratio, scaled, seconds, usd
from pipelines.report.palette import BINDING_COLOURS, BINDING_NAMES, SURFACE_NAMES, named
from pipelines.report.sections.model import Block, Cell, Column, Figure, Section, Table, empty

_ROWS_SHOWN = 15


def hotspots(content: ReportContent) -> Section:
    """Where time, energy and dollars go on the baseline."""
    lead = f"Every step of the replay on {content.run.baseline}, broken into device kernels and split by who caused it."
    if content.hotspots.is_empty():
        blocks: tuple[Block, ...] = (empty("No bill: the demand was not replayed on the baseline."),)
        return Section(key="hotspots", title="Hotspots", lead=lead, blocks=blocks)
    by_surface = Figure(key="hotspots-surface", chart=hotspots_by_surface(content.hotspots), data=content.hotspots)
    blocks = (_hotspot_table(content.hotspots), by_surface, _roofline(content))
    return Section(key="hotspots", title="Hotspots", lead=lead, blocks=blocks)


def service(content: ReportContent) -> Section:
    """Service and fleet of the baseline in the replay."""
    lead = f"How {content.run.baseline} serves the peak window, and the smallest fleet that meets its service levels."
    missing = "the demand was not replayed on the baseline."
    service_block: Block = empty(f"No service table: {missing}")
    if not content.service.is_empty():
        service_block = _service_table(content.service)
    fleet_block: Block = _fleet_table(content.fleet) if not content.fleet.is_empty() else empty(f"No fleet: {missing}")
    return Section(key="service", title="Service and fleet today", lead=lead, blocks=(service_block, fleet_block))


def top_hotspots(hotspots: pl.DataFrame) -> list[dict[str, Any]]:
    """The largest kernels by dollars: shares of time, energy and dollars, time over bound, and the top surface."""
    keys = ("llm", "kernel", "binding_resource")
    sums = ("time_s", "energy_j", "cost_usd", "bound_s")
    frame = hotspots.with_columns(pl.col(*keys, "surface").cast(pl.String))
    tops = (
        frame.group_by(*keys, "surface")
        .agg(pl.col("cost_usd").sum())
        .sort("cost_usd", "surface", descending=[True, False])
        .group_by(*keys, maintain_order=True)
        .agg(top_surface=pl.col("surface").first(), top_usd=pl.col("cost_usd").first())
    )
    return (
        frame.group_by(*keys)
        .agg(pl.col(*sums).sum())
        .with_columns(
            time_ratio=pl.col("time_s") / pl.col("time_s").sum(),
            energy_ratio=pl.col("energy_j") / pl.col("energy_j").sum(),
            cost_ratio=pl.col("cost_usd") / pl.col("cost_usd").sum(),
            over_bound_ratio=pl.when(pl.col("bound_s") > 0).then(pl.col("time_s") / pl.col("bound_s")),
        )
        .join(tops, on=list(keys), how="left")
        .with_columns(top_surface_ratio=pl.col("top_usd") / pl.col("cost_usd"))
        .sort("cost_usd", *keys, descending=[True, False, False, False])
        .head(_ROWS_SHOWN)
        .to_dicts()
    )


def _hotspot_table(frame: pl.DataFrame) -> Table:
    top = top_hotspots(frame)
    largest = max(row["time_ratio"] for row in top) or 1.0
    rows = tuple(
        (
            Cell(text=row["llm"]),
            Cell(text=row["kernel"]),
            Cell(
                text=named(row["binding_resource"], BINDING_NAMES),
                swatch=BINDING_COLOURS.get(row["binding_resource"], ""),
            ),
            Cell(text=percent(row["time_ratio"]), share_ratio=row["time_ratio"] / largest),
            Cell(text=percent(row["energy_ratio"])),
            Cell(text=percent(row["cost_ratio"])),
            Cell(text=usd(row["cost_usd"])),
            Cell(text=ratio(row["over_bound_ratio"])),
            Cell(text=f"{named(row['top_surface'], SURFACE_NAMES)} ({percent(row['top_surface_ratio'])})"),
        )
        for row in top
    )
    heads = (
        Column(head="LLM", numeric=False),
        Column(head="kernel", numeric=False),
        Column(head="bound by", numeric=False, explained="the resource that sets the kernel's time"),
        Column(head="time", explained="share of busy replica time"),
        Column(head="energy", explained="share of energy"),
        Column(head="dollars", explained="share of the bill"),
        Column(head="amount", explained="dollars of the replayed window"),
        Column(head="over bound", explained="time over the roofline time of the same work; 1 is perfect"),
        Column(head="top surface (its part)", numeric=False, explained="the surface that causes most of this row"),
    )
    caption = (
        f"The {len(rows)} largest of the bill carry {percent(sum(row['cost_ratio'] for row in top))} of its dollars"
    )
    return Table(key="hotspot-rows", caption=caption, columns=heads, rows=rows)


def _roofline(content: ReportContent) -> Block:
    points = roofline_points(content.hotspots)
    has_roofs = content.roofs["flop_per_s"].count() and content.roofs["bytes_per_s"].count()
    if not points or not has_roofs:
        return empty("No roofline: the bill names no arithmetic, or the baseline's roofs are unknown.")
    left_out = 1.0 - sum(point["share"] for point in points)
    note = (
        f"Kernels without matrix arithmetic (collectives, cache writes, host work) are not drawn: {percent(left_out)}"
    )
    note += " of the time."
    return Figure(key="roofline", chart=roofline(content.hotspots, content.roofs), note=note, width="scroll")


def _service_table(frame: pl.DataFrame) -> Table:
    rows = []
    for row in frame.iter_rows(named=True):
        target, attained = row["target_ratio"], row["attainment_ratio"]
        known = target is not None and attained is not None
        met = "" if not known else "kept" if attained >= target else "changed"
        unservable = row["unservable_count"]
        rows.append(
            (
                Cell(text=named(str(row["surface"]), SURFACE_NAMES)),
                Cell(text=str(row["service_tier"])),
                Cell(text=str(row["llm"])),
                Cell(text=count(row["calls"])),
                *(Cell(text=seconds(row[f"{name}_s"])) for name in ("ttft_p50", "ttft_p95", "tpot_p50", "tpot_p95")),
                *(Cell(text=percent(row[f"{name}_ratio"])) for name in ("queue", "prompt", "answer")),
                Cell(text=percent(attained), badge=met),
                Cell(text=percent(target)),
                Cell(text=count(unservable)),
            )
        )
    heads = (
        *(Column(head=head, numeric=False) for head in ("surface", "tier", "LLM")),
        Column(head="calls"),
        Column(head="TTFT p50", explained="time to first token"),
        Column(head="TTFT p95", explained="time to first token"),
        Column(head="TPOT p50", explained="time per output token"),
        Column(head="TPOT p95", explained="time per output token"),
        Column(head="in queue", explained="share of the time from request to last token"),
        Column(head="in prompt", explained="share of that time from admission to the first token"),
        Column(head="in answer", explained="share of that time after the first token"),
        Column(head="SLO met", explained="share of calls inside their service level"),
        Column(head="target"),
        Column(head="unservable", explained="calls beyond the LLM's context limit"),
    )
    met_count = sum(row[11].badge != "changed" for row in rows)
    caption = f"{met_count} of {len(rows)} service levels are met"
    return Table(key="service", caption=caption, columns=heads, rows=tuple(rows))


def _fleet_table(frame: pl.DataFrame) -> Table:
    rows = tuple(
        (
            Cell(text=str(row["llm"])),
            Cell(text=count(row["replicas_count"])),
            Cell(text=count(row["tp_count"])),
            Cell(text=count(row["chips_count"])),
            Cell(text=percent(row["utilisation_ratio"]), share_ratio=row["utilisation_ratio"]),
            Cell(text=scaled(row["power_w"], "W")),
            Cell(text=usd(row["tco_usd_per_h"], "/h")),
        )
        for row in frame.iter_rows(named=True)
    )
    heads = (
        Column(head="LLM", numeric=False),
        Column(head="replicas"),
        Column(head="chips per replica", explained="tensor-parallel ranks"),
        Column(head="chips"),
        Column(head="busy", explained="share of time that replicas run steps"),
        Column(head="power", explained="all-in: chips, hosts, network and cooling"),
        Column(head="TCO", explained="total cost of ownership"),
    )
    total = sum(frame["tco_usd_per_h"].to_list())
    return Table(key="fleet", caption=f"The fleet costs {usd(total, '/h')}", columns=heads, rows=rows)
