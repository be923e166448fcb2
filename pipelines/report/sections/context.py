"""What context patterns grow: prompts along a session, and from day to day with where that leads."""

from typing import Any

import polars as pl

from pipelines.report.charts import context_growth, context_trend
from pipelines.report.content import ReportContent
from pipelines.report.formats import MISSING, gain, scaled
from pipelines.report.sections.model import Block, Cell, Column, Figure, FigureGrid, Section, Table, empty
from pipelines.report.sections.surfaces import (
    rows_of,
    small_figures,
    surface_cell,
    surface_name,
    surfaces_of,
    words_of,
)

_UNTOLD = (Cell(text=MISSING),) * 3


def context(content: ReportContent) -> Section | None:
    """Prompt growth within sessions, and over days where the history tells it."""
    within = _within(content)
    if isinstance(within, FigureGrid):
        lead = "How prompts grow along a session and from day to day: what KV memory and prefill must be sized for."
    elif content.context_trend.is_empty():
        return None
    else:
        lead = "How prompts grow from day to day: what KV memory and prefill must be sized for."
    blocks: tuple[Block, ...] = (within,)
    if not content.context_trend.is_empty():
        figure = Figure(
            key="trend", chart=context_trend(content.context_trend, title=trend_words(content)), width="half"
        )
        blocks = (figure, _trends(content.context_trend), within)
    return Section(key="context", title="Context growth", lead=lead, blocks=blocks)


def context_answer(content: ReportContent) -> str:
    """The fastest growth per day, or that of a session and why there is no more."""
    if not content.context_trend.is_empty():
        return f"{trend_words(content)}."
    reason = content.lacking.get("context_trend", "the source reports no prompt lengths")
    known = _known(content)
    spans = []
    for surface in surfaces_of(known):
        own = (
            rows_of(known, surface)
            .group_by("step_order", "step_band")
            .agg(_mean("input_p50_tokens"))
            .sort("step_order")
        )
        spans.append((own["input_p50_tokens"][-1] / own["input_p50_tokens"][0], surface, own))
    if not spans:
        return f"Not told: {reason}."
    _, surface, own = max(spans, key=lambda item: item[:2])
    first, last = own.row(0, named=True), own.row(-1, named=True)
    return (
        f"Within a session, prompts of {surface_name(surface)} grow most: {_tokens(first['input_p50_tokens'])} at call "
        f"{first['step_band']} to {_tokens(last['input_p50_tokens'])} at call {last['step_band']}. "
        f"From day to day: not told, {reason}."
    )


def trend_words(content: ReportContent) -> str:
    """Which surface's prompts grow fastest beyond the noise of days, and where that leads."""
    medians = content.context_trend.filter(pl.col("quantile").cast(pl.String) == "p50")
    grown = medians.filter(pl.col("growth_low_per_day_ratio") > 0).sort("growth_per_day_ratio", descending=True)
    if grown.is_empty():
        row = medians.sort("growth_per_day_ratio", descending=True).row(0, named=True)
        return (
            "No surface's prompts grow from day to day beyond the noise of days (most: "
            f"{surface_name(row['surface'])}, {_growth(row)})"
        )
    row = grown.row(0, named=True)
    return (
        f"Prompts of {surface_name(row['surface'])} grow fastest, by {_growth(row)}: a median of "
        f"{_tokens(row['now_tokens'])} today is {_tokens(row['forecast_tokens'])} "
        f"({_range(row)}) in {row['horizon_days']} days"
    )


def _within(content: ReportContent) -> Block:
    known = _known(content)
    growing = [surface for surface in surfaces_of(known) if rows_of(known, surface)["step_order"].n_unique() > 1]
    if not growing:
        return empty(f"No growth along sessions: {content.run.dataset} does not link calls to sessions.")
    grid = small_figures("growth", growing, lambda surface: context_growth(known, surface))
    caption = "Prompt length by call of the session: median line, band up to the 90th percentile"
    note = "Each surface has its own scale."
    single = [surface_name(surface) for surface in surfaces_of(known) if surface not in growing]
    if single:
        note += f" Sessions of one call each: {words_of(single)}."
    return FigureGrid(caption=caption, figures=grid, note=note)


def _known(content: ReportContent) -> pl.DataFrame:
    return content.growth.drop_nulls(["input_p50_tokens", "input_p90_tokens"]).filter(
        (pl.col("call_count") > 0) & (pl.col("input_p50_tokens") > 0)
    )


def _mean(name: str) -> pl.Expr:
    """Days pooled, weighted by their calls."""
    return (pl.col(name) * pl.col("call_count")).sum() / pl.col("call_count").sum()


def _trends(trend: pl.DataFrame) -> Table:
    horizon = int(trend["horizon_days"][0])
    rows = []
    for surface in surfaces_of(trend):
        own = {str(row["quantile"]): row for row in rows_of(trend, surface).iter_rows(named=True)}
        cells = [_trend_cells(own[quantile]) if quantile in own else _UNTOLD for quantile in ("p50", "p90")]
        rows.append((surface_cell(surface), *cells[0], *cells[1]))
    ahead = Column(head=f"in {horizon} days", explained="tokens if it goes on so, and their range as days scatter")
    heads = (
        Column(head="surface", numeric=False),
        Column(head="median today", explained="prompt tokens, on the trend line"),
        Column(head="per day", explained="growth, the median slope of all pairs of days"),
        ahead,
        Column(head="p90 today", explained="prompt tokens, on the trend line of the 90th percentile"),
        Column(head="per day", explained="growth of the 90th percentile"),
        ahead,
    )
    note = f"From {max(trend['days_count'].to_list())} days. The forecast knows of no change to come."
    caption = "Prompt length today, its growth and where that leads"
    return Table(key="trend", caption=caption, columns=heads, rows=tuple(rows), note=note)


def _trend_cells(row: dict[str, Any]) -> tuple[Cell, ...]:
    today, growth = _tokens(row["now_tokens"]), gain(row["growth_per_day_ratio"])
    return Cell(text=today), Cell(text=growth), Cell(text=f"{_tokens(row['forecast_tokens'])} ({_range(row)})")


def _growth(row: dict[str, Any]) -> str:
    low, high = gain(row["growth_low_per_day_ratio"]), gain(row["growth_high_per_day_ratio"])
    return f"{gain(row['growth_per_day_ratio'])} a day ({low} to {high})"


def _range(row: dict[str, Any]) -> str:
    return f"{_tokens(row['forecast_low_tokens'])} to {_tokens(row['forecast_high_tokens'])}"


def _tokens(value: float) -> str:
    return scaled(value, "")
