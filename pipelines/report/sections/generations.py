"""Generations: which chip was in service, what it did to waits and demand, and what it made of the next one."""

from typing import Any

import polars as pl

from pipelines.report.charts.generations import value_by_generation
from pipelines.report.content import ReportContent
from pipelines.report.formats import MISSING, count, gain, percent, ratio, seconds
from pipelines.report.palette import BINDING_NAMES, named
from pipelines.report.sections.model import Block, Cell, Column, Figure, Section, Table
from pipelines.report.sections.surfaces import in_order, surface_cell, surface_name

_NONE_BEFORE = "the first generation's are those of the traces that the simulator was fitted to"


def generations(content: ReportContent) -> Section | None:
    """The chain of generations that ends with this run; nothing for a run on its own."""
    chips, surfaces = content.generations, content.generation_surfaces
    if chips.is_empty():
        return None
    blocks: tuple[Block, ...] = (_chips(chips), _moved(surfaces))
    if chips.height > 1:
        blocks = (Figure(key="generations", chart=value_by_generation(chips)), *blocks)
    return Section(key="generations", title="Generations", lead=_lead(chips, surfaces), blocks=blocks)


def _lead(chips: pl.DataFrame, surfaces: pl.DataFrame) -> str:
    last = chips.row(-1, named=True)
    if chips.height == 1:
        return "The first generation: demand as observed, on the chip in service."
    before = chips.row(-2, named=True)
    calls = gain(last["call_count"] / before["call_count"] - 1.0)
    told = f"Generation {last['generation']} serves on {last['chip']}; calls {calls} over the generation before."
    moved = surfaces.filter(pl.col("generation") == last["generation"]).drop_nulls("volume_ratio")
    if moved.is_empty() or (moved["volume_ratio"] == 1.0).all():
        return f"{told} The answer of demand was switched off: nothing moved it."
    most = moved.sort((pl.col("volume_ratio").log()).abs()).row(-1, named=True)
    return (
        f"{told} Most moved: {surface_name(most['surface'])}, volume {ratio(most['volume_ratio'])}, because a call "
        f"costs {ratio(most['price_ratio'])} and is complete after {ratio(most['latency_ratio'])} the time."
    )


def _chips(chips: pl.DataFrame) -> Table:
    heads = (
        Column(head="generation"),
        Column(head="chip in service", numeric=False),
        Column(head="calls", explained="observed, all surfaces"),
        Column(head="sessions"),
        Column(head="chips", explained="that the demand of the peak window needs, at the traffic of the whole fleet"),
        Column(head="binds first", numeric=False, explained="resource that binds the largest share of busy time"),
        Column(head="value per $", explained="value served over the cost of the fleet"),
        Column(head="recommended next", numeric=False),
    )
    rows = tuple(_chip_row(row) for row in chips.iter_rows(named=True))
    return Table(key="generation-chips", caption="What was in service, and what came of it", columns=heads, rows=rows)


def _chip_row(row: dict[str, Any]) -> tuple[Cell, ...]:
    return (
        Cell(text=str(row["generation"])),
        Cell(text=row["chip"]),
        Cell(text=count(row["call_count"])),
        Cell(text=count(row["session_count"])),
        Cell(text=count(round(row["chips_count"]))),
        Cell(text=f"{named(row['binding_resource'], BINDING_NAMES)} ({percent(row['binding_ratio'])})"),
        Cell(text=ratio(row["value_per_usd_ratio"])),
        Cell(text=row["next_change"]),
    )


def _moved(surfaces: pl.DataFrame) -> Table:
    heads = (
        Column(head="surface", numeric=False),
        Column(head="generation"),
        Column(head="price", explained="fleet cost of a call over the generation before, passed on in full (assumed)"),
        Column(head="latency", explained="time to last token over the generation before, both replayed"),
        Column(head="volume", explained="sessions over the generation before, by the declared elasticities (assumed)"),
        Column(head="calls"),
        Column(head="TTFT p50", explained=f"as users saw it; {_NONE_BEFORE}"),
        Column(head="TTFT p95", explained=f"as users saw it; {_NONE_BEFORE}"),
        Column(head="cut short", explained="calls that ended by cancel, error or rate limit"),
    )
    rows = tuple(_surface_row(row) for row in in_order(surfaces.sort("surface", "generation")).iter_rows(named=True))
    return Table(key="generation-surfaces", caption="What moved demand, and what users saw", columns=heads, rows=rows)


def _surface_row(row: dict[str, Any]) -> tuple[Cell, ...]:
    return (
        surface_cell(row["surface"]),
        Cell(text=str(row["generation"])),
        *(Cell(text=_over(row[name])) for name in ("price_ratio", "latency_ratio", "volume_ratio")),
        Cell(text=count(row["call_count"])),
        Cell(text=seconds(row["ttft_p50_s"])),
        Cell(text=seconds(row["ttft_p95_s"])),
        Cell(text=percent(row["cut_ratio"])),
    )


def _over(value: float | None) -> str:
    return MISSING if value is None else ratio(value)
