"""The design space, the check of the predictions, and how firm the winner is."""

import polars as pl
from scipy.stats import kendalltau

from pipelines.report.charts import pareto, predicted_against_reevaluated
from pipelines.report.content import ReportContent
from pipelines.report.formats import MISSING, gain, percent, ratio
from pipelines.report.sections.model import Block, Cell, Column, Figure, Section, Table, empty

_ROWS_SHOWN = 20
_REASON_CHARACTERS = 180


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
        blocks = (figure, _agreement_table(frame), _prediction_table(frame))
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
            (Cell(text=str(row["name"])), Cell(text=str(row["lane"])), Cell(text=_shortened(str(row["reason"]))))
            for row in content.refused.sort("lane", "name").iter_rows(named=True)
        )
        caption = f"{len(rows)} names without an answer"
        note = "Long reasons are cut here; the data have them whole."
        block = Table(key="refused", caption=caption, columns=heads, rows=rows, note=note, data=content.refused)
    return Section(key="refused", title="Refused", lead=lead, blocks=(block,))


def _shortened(reason: str) -> str:
    """A reason of one or two lines."""
    return reason if len(reason) <= _REASON_CHARACTERS else f"{reason[:_REASON_CHARACTERS].rsplit(' ', 1)[0]} …"


def _agreement_table(frame: pl.DataFrame) -> Table:
    """How well designs of each purpose were foretold: error, coverage, order."""
    rows = []
    for purpose in frame["purpose"].cast(pl.String).unique(maintain_order=True):
        own = frame.filter(pl.col("purpose").cast(pl.String) == purpose)
        order = kendalltau(own["predicted_ratio"], own["evaluated_ratio"]).statistic if own.height > 2 else None
        rows.append(
            (
                Cell(text=purpose),
                Cell(text=str(own.height)),
                Cell(text=percent(own.select(pl.col("error_ratio").abs().mean()).item())),
                Cell(text=gain(own["error_ratio"].mean())),  # type: ignore[arg-type] # a mean of floats
                Cell(text=percent(sum(own["inside"]) / own.height)),
                Cell(text=MISSING if order is None else f"{order:.2f}"),
            )
        )
    heads = (
        Column(head="purpose", numeric=False, explained="why these designs were evaluated"),
        Column(head="designs"),
        Column(head="mean error", explained="mean of |predicted over re-evaluated, minus 1|"),
        Column(head="lean", explained="mean of the signed error: whether predictions are too high or too low"),
        Column(head="inside", explained="share inside the emulator interval, of which 90 % was promised"),
        Column(head="order", explained="Kendall's rank correlation: 1 is the same order, 0 none"),
    )
    inside = percent(sum(frame["inside"]) / frame.height)
    caption = f"{inside} of {frame.height} evaluated designs lie inside the interval that was written down before"
    return Table(key="agreement", caption=caption, columns=heads, rows=tuple(rows), data=frame)


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
