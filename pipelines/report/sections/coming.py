"""What is coming: sessions, prompts and answers of the week ahead as p10, p50 and p90, tried on the past."""

from typing import Any

import polars as pl

from pipelines.report.charts import demand_forecast
from pipelines.report.content import ReportContent
from pipelines.report.formats import MISSING, gain, percent
from pipelines.report.sections.model import Cell, Column, Figure, Section, Table
from pipelines.report.sections.surfaces import rows_of, surface_cell, surface_name, surfaces_of, words_of

_SCALES = ("session_weight_ratio", "input_scale_ratio", "output_scale_ratio")


def coming(content: ReportContent) -> Section | None:
    """Forecast by surface; nothing where every history is too short."""
    known = _known(content)
    if known.is_empty():
        return None
    lead = (
        "The week ahead over the last one, from rolling forecasts tried on the past: p10 and p90 are scenarios that "
        "the demand can be scaled by. Launches are not known to it."
    )
    figure = Figure(key="forecast", chart=demand_forecast(known, title=coming_words(content)), width="half")
    return Section(key="coming", title="What is coming", lead=lead, blocks=(figure, _table(content)))


def coming_answer(content: ReportContent) -> str:
    """The largest change, or why there is no forecast."""
    if not _known(content).is_empty():
        return f"{coming_words(content)}."
    reasons = content.forecast["reason"].drop_nulls()
    fallback = content.lacking.get("demand_forecast", "there is no demand to forecast")
    return f"Not told: {reasons[0] if len(reasons) else fallback}."


def coming_words(content: ReportContent) -> str:
    """The surface whose sessions change most beyond their range; the busiest one where none does."""
    known = _known(content)
    sessions = {s: {name: scales[0] for name, scales in _of(known, s).items()} for s in surfaces_of(known)}
    clear = [s for s, scale in sessions.items() if scale["p10"] > 1.0 or scale["p90"] < 1.0]
    days = f"Sessions in {int(known['horizon_days'][0])} days"
    if clear:
        most = max(clear, key=lambda surface: (abs(sessions[surface]["p50"] - 1.0), surface))
        return f"{days}: {surface_name(most)} changes most, {_words(sessions[most])}"
    calls = dict(content.card.select(pl.col("surface").cast(pl.String), "calls").iter_rows())
    busiest = max(sessions, key=lambda surface: (calls.get(surface, 0), surface))
    told = f"{surface_name(busiest)}, the busiest, {_words(sessions[busiest])}"
    return f"{days}: no surface changes beyond its range; {told}"


def _words(scale: dict[str, float]) -> str:
    mid, low, high = (gain(scale[name] - 1.0) for name in ("p50", "p10", "p90"))
    return f"{mid} ({low} to {high})"


def _known(content: ReportContent) -> pl.DataFrame:
    return content.forecast.drop_nulls("session_weight_ratio")


def _of(known: pl.DataFrame, surface: str) -> dict[str, tuple[Any, ...]]:
    """Scales of sessions, prompts and answers by quantile."""
    own = rows_of(known, surface).select(pl.col("quantile").cast(pl.String), *_SCALES)
    return {name: tuple(scales) for name, *scales in own.iter_rows()}


def _table(content: ReportContent) -> Table:
    known = _known(content)
    rows = []
    for surface in surfaces_of(known):
        scales = _of(known, surface)
        inside = rows_of(known, surface)["backtest_inside_ratio"][0]
        texts = [_span([scales[name][which] for name in ("p50", "p10", "p90")]) for which in range(len(_SCALES))]
        rows.append((surface_cell(surface), *(Cell(text=text) for text in texts), Cell(text=percent(inside))))
    heads = (
        Column(head="surface", numeric=False),
        Column(head="sessions", explained="median (p10 to p90) against the last week"),
        Column(head="median prompt", explained="median (p10 to p90) against the last week"),
        Column(head="median answer", explained="median (p10 to p90) against the last week"),
        Column(head="held in the past", explained="share of past forecasts whose truth lay inside a range as wide"),
    )
    missing = [surface_name(s) for s in surfaces_of(content.forecast) if s not in surfaces_of(known)]
    note = f"Too short a history: {words_of(missing)}." if missing else ""
    caption = "Change against the last week by surface"
    return Table(key="forecast", caption=caption, columns=heads, rows=tuple(rows), note=note)


def _span(values: list[float | None]) -> str:
    if any(value is None for value in values):
        return MISSING
    mid, low, high = (gain(value - 1.0) for value in values if value is not None)
    return f"{mid} ({low} to {high})"
