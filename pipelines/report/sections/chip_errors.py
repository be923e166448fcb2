"""The chip model held to measured chips: error by chip and phase of the law that the loop times with."""

import polars as pl

from pipelines.report.content import ReportContent
from pipelines.report.formats import MISSING, count, percent, ratio
from pipelines.report.sections.model import Cell, Column, Section, Table, empty


def chip_errors(content: ReportContent) -> Section:
    """One row per measured chip, one pair of columns per kind of kernel."""
    lead = (
        "Before a design is believed, the law that times it is held to kernels measured on real chips. The designs "
        "themselves cannot be: nobody built them; how errors grow with the change is in the silicon interval."
    )
    frame = content.chip_errors
    if frame.is_empty():
        block = empty("No measured kernels came with this installation.")
        return Section(key="chip-errors", title="Chip model against real chips", lead=lead, blocks=(block,))
    phases = frame["phase"].unique(maintain_order=True).to_list()
    rows = []
    for chip in frame["chip"].unique(maintain_order=True):
        own = {row["phase"]: row for row in frame.filter(pl.col("chip") == chip).iter_rows(named=True)}
        cells = (_cell(own.get(phase)) for phase in phases)
        kernels = sum(row["rows_count"] for row in own.values())
        mark = " (baseline)" if chip == content.run.baseline else ""
        rows.append((Cell(text=f"{chip}{mark}"), Cell(text=count(kernels)), *cells))
    heads = (
        Column(head="chip", numeric=False),
        Column(head="kernels", explained="measured kernels of the sample that comes with the product"),
        *(Column(head=str(phase), explained=_EXPLAINED) for phase in phases),
    )
    worst = frame.sort("mean_error_ratio", descending=True).row(0, named=True)
    caption = f"The closed form is furthest off for {worst['phase']} on {worst['chip']}: "
    caption += f"{percent(worst['mean_error_ratio'])} mean error"
    note = "Constants were set on these chips, so this is how well the law fits, not how well it foretells."
    table = Table(key="chip-errors", caption=caption, columns=heads, rows=tuple(rows), note=note, data=frame)
    return Section(key="chip-errors", title="Chip model against real chips", lead=lead, blocks=(table,))


_EXPLAINED = "mean absolute error of the time; in brackets the median of predicted over measured"


def _cell(row: dict[str, float] | None) -> Cell:
    if row is None:
        return Cell(text=MISSING)
    return Cell(text=f"{percent(row['mean_error_ratio'])} ({ratio(row['median_ratio'])})")
