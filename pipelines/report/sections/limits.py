"""How much of each limit every shown design uses, and what slack it leaves."""

import polars as pl

from pipelines.report.content import ReportContent
from pipelines.report.formats import MISSING, percent, quantity
from pipelines.report.sections.model import Cell, Column, Section, Table, empty

NEAR_RATIO = 0.9
"""A limit used up further than this is called near."""


def limits(content: ReportContent) -> Section:
    """One row per limit, one column per recommended or nearly recommended design."""
    lead = (
        "Reticle, shoreline, package and power are computed, never learned; a design over one of them is not in the "
        "space. What is left is the room for the next change."
    )
    views = sorted(content.recommendations, key=lambda view: view.rank)
    told = [(view, view.limits.drop_nulls("used_ratio")) for view in views if not view.limits.is_empty()]
    if not told:
        block = empty("No design was evaluated, so no limit is used.")
        return Section(key="limits", title="Constraint slack", lead=lead, blocks=(block,))
    frame = pl.concat(
        [rows.select(pl.lit(view.title).alias("design"), pl.lit(view.rank).alias("rank"), "*") for view, rows in told]
    ).with_columns(slack_ratio=1.0 - pl.col("used_ratio"))
    tightest = frame.sort("used_ratio", "limit", descending=[True, False]).row(0, named=True)
    caption = f"The tightest limit is {tightest['limit']}: "
    caption += f"{tightest['design']} leaves {percent(tightest['slack_ratio'])} of it"
    heads = (
        Column(head="limit", numeric=False),
        Column(head="allowed"),
        *(Column(head=f"{view.rank}", explained=f"{view.title}: used, and slack left") for view, _ in told),
    )
    note = "Columns are the designs by rank: used share of each limit, amount in brackets. "
    note += f"Marked: more than {percent(NEAR_RATIO)} used."
    table = Table(
        key="limits",
        caption=caption,
        columns=heads,
        rows=_rows(frame, [view.rank for view, _ in told]),
        note=note,
        data=frame,
    )
    return Section(key="limits", title="Constraint slack", lead=lead, blocks=(table,))


def _rows(frame: pl.DataFrame, ranks: list[int]) -> tuple[tuple[Cell, ...], ...]:
    rows = []
    for limit in frame["limit"].unique(maintain_order=True):
        own = {row["rank"]: row for row in frame.filter(pl.col("limit") == limit).iter_rows(named=True)}
        any_row = next(iter(own.values()))
        cells = (_cell(own.get(rank)) for rank in ranks)
        rows.append((Cell(text=str(limit)), Cell(text=quantity(any_row["cap"], any_row["unit"])), *cells))
    return tuple(rows)


def _cell(row: dict[str, object] | None) -> Cell:
    if row is None:
        return Cell(text=MISSING)
    used, unit, share = row["used"], str(row["unit"]), float(str(row["used_ratio"]))
    text = f"{percent(share)} ({quantity(float(str(used)), unit)})"
    return Cell(text=text, badge="changed" if share > NEAR_RATIO else "")
