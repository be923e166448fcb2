"""The design space, the check of the predictions, and how firm the winner is."""

import polars as pl

from pipelines.report.charts import pareto, predicted_against_reevaluated
from pipelines.report.content import ReportContent
from pipelines.report.formats import gain, percent, ratio
from pipelines.report.sections.model import Block, Cell, Column, Figure, Section, Table, empty

_ROWS_SHOWN = 20


def design_space(content: ReportContent) -> Section:
    """All designs and the named real chips on value per dollar and value per watt."""
    known = content.designs.drop_nulls(["value_per_usd_ratio", "value_per_w_ratio"])
    block: Block = empty("No design was evaluated, so there is nothing to place between dollars and watts.")
    if not known.is_empty():
        note = "Vertical lines: emulator interval of designs that only the learned cost model has seen. "
        note += "Dashed: designs that no other beats on both axes."
        block = Figure(key="pareto", chart=pareto(known), note=note, width="scroll", data=known)
    lead = f"Value per dollar and per all-in watt, each over {content.run.baseline} at (1, 1), for the same demand."
    return Section(key="designs", title="Designs among real chips", lead=lead, blocks=(block,))


def predictions(content: ReportContent) -> Section:
    """Predicted against re-evaluated."""
    frame = content.calibration.drop_nulls(["predicted_ratio", "evaluated_ratio"])
    lead = (
        "Predictions were logged before the replay. This checks the learned cost model against the replay; "
        "it is no validation against silicon."
    )
    blocks: tuple[Block, ...] = (empty("No design was re-evaluated, so no prediction can be checked."),)
    if not frame.is_empty():
        figure = Figure(key="calibration", chart=predicted_against_reevaluated(frame), data=frame)
        blocks = (figure, _prediction_table(frame))
    return Section(key="predictions", title="Predicted against re-evaluated", lead=lead, blocks=blocks)


def robustness(content: ReportContent) -> Section:
    """Does the winner change."""
    lead = "Service levels, values and patience are assumptions with ranges; the winner is drawn again at their ends."
    if content.robustness.is_empty():
        block: Block = empty(
            "The winner was not drawn again under other assumptions, so nothing is known of its firmness."
        )
    else:
        rows = tuple(
            (
                Cell(text=row["scenario"]),
                Cell(text=row["winner"]),
                Cell(text=gain(row["winner_gain_ratio"])),
                Cell(text="yes" if row["changed"] else "no", badge="changed" if row["changed"] else "kept"),
            )
            for row in content.robustness.iter_rows(named=True)
        )
        changed, total = sum(content.robustness["changed"]), content.robustness.height
        held = f"The winner stays in {total - changed} of {total} scenarios"
        heads = (
            Column(head="scenario", numeric=False),
            Column(head="winner", numeric=False),
            Column(head="gain in value per $"),
            Column(head="winner changes", numeric=False),
        )
        block = Table(key="robustness", caption=held, columns=heads, rows=rows)
    return Section(key="robustness", title="Does the winner change", lead=lead, blocks=(block,))


def refused(content: ReportContent) -> Section:
    """Chips and designs without an answer."""
    lead = "A lane whose numbers are missing is refused with its reason, never guessed."
    if content.refused.is_empty():
        block: Block = empty("Nothing was refused: every chip and design got an answer.")
    else:
        heads = tuple(Column(head=head, numeric=False) for head in ("name", "lane", "reason"))
        rows = tuple(
            tuple(Cell(text=str(row[name])) for name in ("name", "lane", "reason"))
            for row in content.refused.sort("lane", "name").iter_rows(named=True)
        )
        block = Table(key="refused", caption=f"{len(rows)} names without an answer", columns=heads, rows=rows)
    return Section(key="refused", title="Refused", lead=lead, blocks=(block,))


def _prediction_table(frame: pl.DataFrame) -> Table:
    heads = (
        Column(head="design", numeric=False),
        Column(head="purpose", numeric=False, explained="why this design was re-evaluated"),
        Column(head="predicted", explained="value per dollar over the baseline, by the learned cost model"),
        Column(head="emulator interval"),
        Column(head="re-evaluated", explained="the same from the full replay"),
        Column(head="error", explained="predicted over re-evaluated, minus 1"),
        Column(head="inside", numeric=False),
    )
    mean = frame.select(pl.col("error_ratio").abs().mean()).item()
    rows = tuple(
        (
            Cell(text=str(row["label"])),
            Cell(text=str(row["purpose"])),
            Cell(text=ratio(row["predicted_ratio"])),
            Cell(text=f"{ratio(row['low_ratio'])} to {ratio(row['high_ratio'])}"),
            Cell(text=ratio(row["evaluated_ratio"])),
            Cell(text=gain(row["error_ratio"])),
            Cell(text="yes" if row["inside"] else "no", badge="kept" if row["inside"] else "changed"),
        )
        for row in frame.head(_ROWS_SHOWN).iter_rows(named=True)
    )
    cut = f"The first {_ROWS_SHOWN} of {frame.height}; report.json has all." if frame.height > _ROWS_SHOWN else ""
    caption = f"Predictions are off by {percent(mean)} on average"
    return Table(key="prediction-rows", caption=caption, columns=heads, rows=rows, note=cut)
