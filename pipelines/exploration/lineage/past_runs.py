"""Past runs as the ledger tells them: their recommendations, what was decided, how predictions turned out."""

from collections.abc import Mapping
from pathlib import Path

from pipelines.report import HistoryRow
from pipelines.report.formats import quantity
from pipelines.report.history import PastRun, write_history
from warehouse.ledger import Evaluation, Ledger, Prediction, Recommendation, Run

REPORT_FILE = "report.html"


def history_rows(ledger: Ledger, run: Run) -> tuple[HistoryRow, ...]:
    """The recommendations of a run with what became of them, the best first."""
    return tuple(_row(ledger, run, found) for found in ledger.recommendations_of(run.run_id))


def past_runs(ledger: Ledger, reports: Path) -> tuple[PastRun, ...]:
    """All runs, the latest first, those without a report too.

    Args:
        ledger: What happened.
        reports: Folder of reports, to tell which of them are there.
    """
    return tuple(_past(ledger, run, reports) for run in reversed(ledger.runs()))


def render_history_page(ledger: Ledger, reports: Path) -> Path:
    """Write the history page beside the reports."""
    rows = tuple(row for run in ledger.runs() for row in history_rows(ledger, run))
    return write_history(reports, past_runs(ledger, reports), rows)


def _past(ledger: Ledger, run: Run, reports: Path) -> PastRun:
    pairs = _pairs(ledger.predictions_of(run.run_id), ledger.evaluations_of(run.run_id))
    errors = [abs(told.mean / found.value - 1.0) for told, found in pairs if found.value]
    there = (reports / run.run_id / REPORT_FILE).is_file()
    return PastRun(
        run_id=run.run_id,
        dataset=run.dataset,
        baseline=run.baseline_chip,
        started_at=f"{run.started_at:%Y-%m-%d %H:%M} UTC",
        status=run.status.value,
        report=f"{run.run_id}/{REPORT_FILE}" if there else "",
        checked_count=len(pairs),
        inside_count=sum(told.low <= found.value <= told.high for told, found in pairs),
        mean_error_ratio=sum(errors) / len(errors) if errors else None,
    )


def _pairs(told: list[Prediction], found: list[Evaluation]) -> list[tuple[Prediction, Evaluation]]:
    by_key = {(row.design_id, row.scenario, row.metric): row for row in found}
    return [(row, by_key[key]) for row in told if (key := (row.design_id, row.scenario, row.metric)) in by_key]


def _row(ledger: Ledger, run: Run, found: Recommendation) -> HistoryRow:
    decided = ledger.decisions_of(run.run_id, found.design_id)
    return HistoryRow(
        run_id=run.run_id,
        dataset=run.dataset,
        baseline=run.baseline_chip,
        started_at=f"{run.started_at:%Y-%m-%d %H:%M} UTC",
        rank=found.rank,
        design_id=found.design_id,
        change=change_words(found.change),
        predicted_ratio=found.predicted_gain_ratio,
        low_ratio=found.low,
        high_ratio=found.high,
        evaluated_ratio=found.reevaluated_gain_ratio,
        status=found.status.value,
        decisions=tuple(f"{one.at:%Y-%m-%d %H:%M} UTC, {one.status.value}: {one.why}" for one in decided),
    )


def change_words(change: Mapping[str, object]) -> str:
    """Changed parameters with their old and new value, as the ledger keeps them: name, from, to, unit."""
    parts = []
    for name, values in change.items():
        match values:
            case [int() | float() as before, int() | float() as after, str() as unit]:
                parts.append(f"{name.replace('_', ' ')} {quantity(before, unit)} to {quantity(after, unit)}")
            case _:
                parts.append(name.replace("_", " "))
    return ", ".join(parts) or "no change"
