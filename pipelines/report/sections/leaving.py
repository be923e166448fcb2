"""What latency makes people leave: survival of the wait for the first token, and the waits where leaving speeds up."""

from typing import Any

import polars as pl

from pipelines.report.charts import survival
from pipelines.report.content import ReportContent
from pipelines.report.formats import count, percent, seconds
from pipelines.report.sections.model import Block, Cell, Column, FigureGrid, Section, Table, empty
from pipelines.report.sections.surfaces import (
    in_order,
    rows_of,
    small_figures,
    surface_cell,
    surface_name,
    surfaces_of,
    words_of,
)

MIN_LEFT_COUNT = 20
"""People who must have left while waiting for a surface to get a curve. Assumed: as `abandonment_thresholds`."""

_ROWS_OF_SURFACE = 2
_LEAST_RATIO = 0.0001
_MOMENTS = {"waiting": "waiting", "answered": "at\N{NO-BREAK SPACE}answer"}


def leaving(content: ReportContent) -> Section | None:
    """Survival curves with thresholds; nothing where the source does not tell how sessions ended."""
    if _known(content).is_empty():
        return None
    lead = (
        "Estimated from how sessions ended: an answer ends the wait of somebody who might have waited longer, so it "
        "counts as waited so long, not as patience. No cause is claimed."
    )
    if content.run.dataset == "synthetic":
        lead += " This telemetry is synthetic: the patience found here is an assumption of the simulator."
    blocks: tuple[Block, ...] = (_curves(content),)
    if not content.thresholds.is_empty():
        blocks += (_thresholds(content.thresholds),)
    return Section(key="leaving", title="When people leave", lead=lead, blocks=blocks)


def leaving_answer(content: ReportContent) -> str:
    """The clearest threshold, or why there is none."""
    known = _known(content)
    if known.is_empty():
        return f"Not told: {content.run.dataset} does not say how sessions ended."
    calls = sum(_calls(known))
    if content.thresholds.is_empty():
        return f"No wait was found from which people leave faster; {count(_left(known))} of {count(calls)} calls left."
    first = content.thresholds.filter(pl.col("rank") == 1).sort("p_value_ratio", "left_count", descending=[False, True])
    row = first.row(0, named=True)
    moment = "within a second" if str(row["moment"]) == "waiting" else "at the answer"
    assumed = " (patience assumed by the simulator)" if content.run.dataset == "synthetic" else ""
    return (
        f"In {surface_name(row['surface'])}, waits over {seconds(row['threshold_s'])} "
        f"({seconds(row['threshold_low_s'])} to {seconds(row['threshold_high_s'])}): the chance of leaving {moment} "
        f"rises from {_rise(row)}{assumed}."
    )


def _known(content: ReportContent) -> pl.DataFrame:
    return content.abandonment.filter(pl.col("at_risk_count") > 0)


def _calls(known: pl.DataFrame) -> list[int]:
    """Calls with a known wait, by surface and day: those that reached the first band."""
    return known.group_by("surface", "day").agg(pl.col("at_risk_count").max())["at_risk_count"].to_list()


def _left(frame: pl.DataFrame) -> int:
    return int(frame["left_count"].sum())


def _curves(content: ReportContent) -> Block:
    known = _known(content)
    left = {s: int(rows_of(known, s)["left_waiting_count"].sum()) for s in surfaces_of(known)}
    shown = [surface for surface, people in left.items() if people >= MIN_LEFT_COUNT]
    waiting = sum(left.values())
    if not shown:
        return empty(f"No curve: only {count(waiting)} people left while they waited for a first token.")
    ends = known.filter(pl.col("surface").cast(pl.String).is_in(shown), pl.col("wait_high_s").is_finite())
    reached = ends.group_by("surface", "wait_high_s").agg(pl.col("at_risk_count").sum())
    longest = max(reached.filter(pl.col("at_risk_count") >= MIN_LEFT_COUNT)["wait_high_s"].to_list(), default=64.0)
    figures = small_figures(
        "leave", shown, lambda surface: survival(known, content.thresholds, surface, longest_s=longest)
    )
    caption = (
        f"{count(_left(known))} people left, {percent(waiting / max(_left(known), 1))} of them before the first token: "
        "who would still wait if no answer came"
    )
    note = (
        "Band: 95 % interval. Line: a wait from which people leave faster, on its interval; dashed: at a late answer."
    )
    quiet = [surface_name(surface) for surface in left if surface not in shown]
    if quiet:
        note += f" Too few left for a curve: {words_of(quiet)}."
    return FigureGrid(caption=caption, figures=figures, note=note)


def _thresholds(thresholds: pl.DataFrame) -> Table:
    shown = in_order(thresholds.filter(pl.col("rank") <= _ROWS_OF_SURFACE).sort("rank"))
    rows = tuple(
        (
            surface_cell(row["surface"]),
            Cell(text=_MOMENTS[str(row["moment"])]),
            Cell(text=seconds(row["threshold_s"])),
            Cell(text=f"{seconds(row['threshold_low_s'])} to {seconds(row['threshold_high_s'])}"),
            Cell(text=_rise(row)),
            Cell(text=count(row["left_count"])),
        )
        for row in shown.iter_rows(named=True)
    )
    heads = (
        Column(head="surface", numeric=False),
        Column(head="leaving", numeric=False, explained="while they wait, or at the answer that came late"),
        Column(head="from"),
        Column(head="95 % interval"),
        Column(
            head="chance rises", explained="of leaving within a second (waiting) or at the answer: before and after"
        ),
        Column(head="people", explained="who left from there on"),
    )
    caption = "Waits for the first token from which people leave faster"
    note = (
        "The last seven days; 5 % false alarms over the whole table. Patience that fades smoothly shows as several "
        "steps: only a sharp one is placed well."
    )
    return Table(key="thresholds", caption=caption, columns=heads, rows=rows, note=note)


def _rise(row: dict[str, Any]) -> str:
    """The chance before and after a threshold."""
    return f"{_chance(row['before_ratio'])} to {_chance(row['after_ratio'])}"


def _chance(ratio: float) -> str:
    """A chance that may be far below a percent: two decimals there, and never zero unless it is."""
    if 0.0 < ratio < _LEAST_RATIO:
        return f"below {_written(_LEAST_RATIO)}"
    return _written(ratio) if 0.0 < ratio < 10 * _LEAST_RATIO else percent(ratio)


def _written(ratio: float) -> str:
    return f"{ratio * 100:.2f}\N{NO-BREAK SPACE}%"
