"""Why the recommended changes pay: parts of the gain, limiters before and after, elasticities."""

from typing import Any

import polars as pl

from pipelines.report.charts import gain_parts, tornado
from pipelines.report.content import ReportContent
from pipelines.report.formats import gain, percent
from pipelines.report.palette import BINDING_NAMES, SURFACE_NAMES, named
from pipelines.report.sections.model import Block, Cell, Column, Figure, Section, Table, empty

TODAY = "today"
_DIMENSIONS = {"family": "kernel family", "binding_resource": "bound by", "surface": "surface"}


def parts(content: ReportContent) -> Section:
    """Each change alone, taken back, and its share of the gain; whether its limiter carries time."""
    frame = content.explanation.parts
    lead = (
        "Every change is tried alone on the baseline and taken back from the design, in closed form and by replay. "
        "Where the two disagree, changes need each other. Shapley shares split the closed form's gain so that they add "
        "up; the replay says how far the closed form may be trusted."
    )
    blocks: list[Block] = []
    for rank in frame["rank"].unique().sort().to_list():
        blocks += _taken_apart(content, frame.filter(rank=rank), rank)
    if not blocks:
        blocks = [empty("No design was taken apart, because none reached the final.")]
    return Section(key="parts", title="What each change is worth", lead=lead, blocks=tuple(blocks))


def shift(content: ReportContent) -> Section:
    """The bill before and after the best finalist."""
    lead = (
        "A change is justified by its limiter only where that limiter carries time. Shares of busy time sum to 100 % "
        "on either side; the bill is cost per unit of value over the baseline's whole bill."
    )
    bill = content.explanation.bill
    bill = bill.filter(pl.col("rank") == bill["rank"].min()) if len(bill) else bill
    blocks: tuple[Block, ...] = (empty("No bill before and after: no design was replayed in full."),)
    if len(bill):
        told = ((name, bill.filter(dimension=name)) for name in _DIMENSIONS)
        blocks = tuple(_bill_table(rows, name) for name, rows in told if not rows.is_empty())
    return Section(key="bottlenecks", title="Where the bottleneck moves", lead=lead, blocks=blocks)


def elasticity(content: ReportContent) -> Section:
    """The tornado at the baseline and at the recommended design, and the table over scenarios."""
    frame = content.explanation.elasticities
    lead = (
        "Per cent of value per dollar for one per cent of a parameter, to the next legal level on either side, in "
        "closed form. Thin lines: silicon interval of the step. Flat on both sides: over-provisioned. Pale: beyond a "
        "limit of the chip. Steps change power class and deployment, so bars jump where those do."
    )
    blocks: list[Block] = []
    for at, words in (("baseline", "the baseline"), ("recommended", "the best finalist")):
        here = frame.filter(pl.col("at") == at, pl.col("scenario") == TODAY).drop_nulls("elasticity")
        if len(here):
            top = here.sort(pl.col("elasticity").abs(), descending=True).row(0, named=True)
            title = f"At {words}, today: {top['label']} moves value most"
            blocks.append(Figure(key=f"tornado-{at}", chart=tornado(here, title=title), width="half"))
    if len(frame):
        blocks.append(_by_scenario(frame))
    else:
        blocks = [empty("No elasticities: nothing was scored.")]
    return Section(
        key="elasticities", title="How sharply value follows each parameter", lead=lead, blocks=tuple(blocks)
    )


def _taken_apart(content: ReportContent, rows: pl.DataFrame, rank: int) -> list[Block]:
    first = rows.row(0, named=True)
    largest = rows.sort("shapley_ratio", descending=True).row(0, named=True)
    title = f"{largest['change']} makes {gain(largest['shapley_ratio'])} of {gain(first['whole_ratio'])}"
    heads = (
        Column(head="change", numeric=False),
        Column(head="alone", explained="gain of this change alone on the baseline, closed form"),
        Column(head="alone, replayed"),
        Column(head="lost without", explained="share of the design's value that goes with the change, closed form"),
        Column(head="lost without, replayed"),
        Column(head="Shapley share", explained="mean gain over all orders of making the changes; adds up to the whole"),
    )
    names = ("alone_ratio", "alone_replayed_ratio", "lost_ratio", "lost_replayed_ratio", "shapley_ratio")
    lines = tuple(
        (Cell(text=row["change"]), *(Cell(text=gain(row[name])) for name in names))
        for row in rows.iter_rows(named=True)
    )
    words = content.explanation.justified.filter(rank=rank)["words"].to_list()
    caption = (
        f"{rank}. {first['title']}: {gain(first['whole_ratio'])} in closed form, "
        f"{gain(first['whole_replayed_ratio'])} replayed on the sample"
    )
    table = Table(key=f"parts-{rank}", caption=caption, columns=heads, rows=lines, note=" ".join(words))
    return [table, Figure(key=f"shapley-{rank}", chart=gain_parts(rows, title=title), width="half")]


def _bill_table(bill: pl.DataFrame, dimension: str) -> Table:
    top = bill.row(0, named=True)
    heads = (
        Column(head=_DIMENSIONS[dimension], numeric=False),
        Column(head="busy time before"),
        Column(head="busy time after"),
        Column(head="bill before"),
        Column(head="bill after"),
    )
    names = ("baseline_time_ratio", "design_time_ratio", "baseline_cost_ratio", "design_cost_ratio")
    rows = tuple(
        (Cell(text=_word(row["name"])), *(Cell(text=percent(row[name])) for name in names))
        for row in bill.iter_rows(named=True)
    )
    caption = (
        f"{_word(top['name'])} goes from {percent(top['baseline_cost_ratio'])} of the baseline's bill to "
        f"{percent(top['design_cost_ratio'])}"
    )
    return Table(key=f"bottleneck-{dimension.replace('_', '-')}", caption=caption, columns=heads, rows=rows)


def _by_scenario(frame: pl.DataFrame) -> Table:
    """The parameter that moves value most upwards by scenario and design."""
    rows = []
    for scenario in frame["scenario"].unique(maintain_order=True).to_list():
        cells = [Cell(text=scenario)]
        for at in ("baseline", "recommended"):
            here = frame.filter(pl.col("scenario") == scenario, pl.col("at") == at, pl.col("is_feasible"))
            best = here.sort("gain_ratio", descending=True).head(1)
            text = "" if best.is_empty() else _step_words(best.row(0, named=True))
            cells.append(Cell(text=text))
        rows.append(tuple(cells))
    heads = tuple(
        Column(head=head, numeric=False)
        for head in ("scenario", "best single step from the baseline", "best single step from the best finalist")
    )
    return Table(
        key="elasticity-scenarios",
        caption="What one legal step would buy, scenario by scenario",
        columns=heads,
        rows=tuple(rows),
    )


def _step_words(row: dict[str, Any]) -> str:
    step = f"{row['side']} {row['label']}"
    told = "" if row["elasticity"] is None else f" (elasticity {row['elasticity']:.2f})"
    if row["gain_ratio"] > 0.0:
        return f"{step}: {gain(row['gain_ratio'])}{told}"
    return f"none gains; {step} loses least ({gain(row['gain_ratio'])})"


def _word(name: str) -> str:
    return named(name, BINDING_NAMES | SURFACE_NAMES).replace("_", " ")
