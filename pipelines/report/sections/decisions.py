"""What became of the recommendations of this run, and where those of other runs are told."""

from pipelines.report.content import HistoryRow, ReportContent
from pipelines.report.formats import MISSING, gain
from pipelines.report.sections.model import Block, Cell, Column, Note, Section, Table, empty

STATUS_BADGES = {"accepted": "kept", "rejected": "changed"}


def decisions(content: ReportContent) -> Section:
    """The rows of this run in the ledger."""
    lead = "What was decided, as the ledger remembers it. The history of all runs lies beside the reports."
    block: Block = empty("The ledger holds no recommendation of this run.")
    if content.decisions:
        block = history_table(content.decisions, key="decisions", caption=decided_words(content.decisions))
    how = Note(
        sentences=("Record a decision with `scoville decide RUN ID accept --why TEXT`, then `scoville report RUN`.",)
    )
    return Section(key="decisions", title="Decisions", lead=lead, blocks=(block, how))


def decided_words(rows: tuple[HistoryRow, ...]) -> str:
    """How many were decided which way."""
    tally = {status: sum(row.status == status for row in rows) for status in ("proposed", "accepted", "rejected")}
    return ", ".join(f"{number} {status}" for status, number in tally.items() if number) or "no recommendation"


def history_table(rows: tuple[HistoryRow, ...], *, key: str, caption: str) -> Table:
    """Recommendations with their prediction, re-evaluation and what became of them."""
    heads = (
        *(Column(head=head, numeric=False) for head in ("rank", "design", "change")),
        Column(head="predicted", explained="value per dollar over the baseline, minus 1, by the learned cost model"),
        Column(head="emulator interval"),
        Column(head="re-evaluated", explained="the same from the full replay"),
        Column(head="error", explained="predicted over re-evaluated, minus 1"),
        Column(head="status", numeric=False),
        Column(head="decided", numeric=False, explained="when, what and why"),
    )
    return Table(key=key, caption=caption, columns=heads, rows=tuple(_row(row) for row in rows))


def error_of(row: HistoryRow) -> float | None:
    """Predicted over re-evaluated, minus 1; none where it was not replayed."""
    return row.predicted_ratio / row.evaluated_ratio - 1.0 if row.evaluated_ratio else None


def _row(row: HistoryRow) -> tuple[Cell, ...]:
    evaluated = None if row.evaluated_ratio is None else row.evaluated_ratio - 1.0
    return (
        Cell(text=str(row.rank)),
        Cell(text=row.design_id),
        Cell(text=row.change),
        Cell(text=gain(row.predicted_ratio - 1.0)),
        Cell(text=f"{gain(row.low_ratio - 1.0)} to {gain(row.high_ratio - 1.0)}"),
        Cell(text=gain(evaluated)),
        Cell(text=gain(error_of(row))),
        Cell(text=row.status, badge=STATUS_BADGES.get(row.status, "published")),
        Cell(text="; ".join(row.decisions) or MISSING),
    )
