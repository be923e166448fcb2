"""The history page over all runs: which recommendations came and were decided, and how predictions turned out."""

from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import polars as pl

from pipelines.report.charts import prediction_history
from pipelines.report.content import HistoryRow
from pipelines.report.formats import percent
from pipelines.report.html import render_page
from pipelines.report.sections.decisions import decided_words, error_of, history_table
from pipelines.report.sections.model import Block, Cell, Column, Figure, Section, Table, empty

HISTORY_FILE = "history.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """One run of the ledger."""

    run_id: str
    dataset: str
    baseline: str
    started_at: str
    status: str
    report: str
    """Address of its report from the history page; empty where there is none."""
    checked_count: int
    """Predictions that were evaluated later."""
    inside_count: int
    """Those that lay inside their emulator interval."""
    mean_error_ratio: float | None
    """Mean of |predicted over evaluated, minus 1|."""


def render_history(runs: tuple[PastRun, ...], rows: tuple[HistoryRow, ...]) -> str:
    """The page; it loads nothing, and every text of it is escaped.

    Args:
        runs: All runs, the latest first.
        rows: Their recommendations.
    """
    sections = (_runs(runs, rows), _predictions(runs), *_recommendations(runs, rows))
    decided = sum(row.status != "proposed" for row in rows)
    headline = f"{len(runs)} runs made {len(rows)} recommendations; {decided} were decided"
    return render_page("history.html.j2", sections, headline=headline, runs=runs).html


def write_history(folder: Path, runs: tuple[PastRun, ...], rows: tuple[HistoryRow, ...]) -> Path:
    """Write the page into the folder of reports, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    path, half = folder / HISTORY_FILE, folder / f".{HISTORY_FILE}.part"
    half.write_text(render_history(runs, rows), encoding="utf-8", newline="\n")
    half.replace(path)
    return path


def _runs(runs: tuple[PastRun, ...], rows: tuple[HistoryRow, ...]) -> Section:
    lead = "The first recommendation of each run beside that of the run of the same data set before it."
    heads = tuple(Column(head=head, numeric=False) for head in ("run", "data set", "baseline", "ended", "first choice"))
    head = Column(head="against the run before", numeric=False, explained="whether the first recommendation changed")
    table_rows = []
    for run in runs:
        first = _first(run.run_id, rows)
        before = next((r for r in runs if r.dataset == run.dataset and r.started_at < run.started_at), None)
        words, badge = _against(first, _first(before.run_id, rows) if before else None, is_first=before is None)
        link = Cell(text=run.run_id, link=run.report)
        told = (run.dataset, run.baseline, run.status, first.change if first else "none")
        table_rows.append((link, *(Cell(text=text) for text in told), Cell(text=words, badge=badge)))
    block: Block = empty("The ledger knows no run.")
    if runs:
        caption = f"{len(runs)} runs, the latest first"
        block = Table(key="runs", caption=caption, columns=(*heads, head), rows=tuple(table_rows))
    return Section(key="runs", title="Runs", lead=lead, blocks=(block,))


def _against(first: HistoryRow | None, before: HistoryRow | None, *, is_first: bool) -> tuple[str, str]:
    if is_first:
        return "first of its data set", ""
    names = (first.change if first else "", before.change if before else "")
    return ("the same", "kept") if names[0] == names[1] else ("changed", "changed")


def _first(run_id: str, rows: tuple[HistoryRow, ...]) -> HistoryRow | None:
    return min((row for row in rows if row.run_id == run_id), key=lambda row: row.rank, default=None)


def _predictions(runs: tuple[PastRun, ...]) -> Section:
    lead = "Each prediction was written down before its replay. This judges the learned cost model, not silicon."
    checked = [run for run in runs if run.checked_count]
    block: Block = empty("No prediction of any run was evaluated.")
    if checked:
        frame = pl.DataFrame(
            [
                {
                    "run_id": run.run_id,
                    "started_at": run.started_at,
                    "checked_count": run.checked_count,
                    "inside_ratio": run.inside_count / run.checked_count,
                    "mean_error_ratio": run.mean_error_ratio,
                }
                for run in reversed(checked)
            ]
        )
        inside, total = sum(run.inside_count for run in checked), sum(run.checked_count for run in checked)
        title = f"{percent(inside / total)} of {total} predictions lay inside their interval (90 % was promised)"
        block = Figure(key="errors", chart=prediction_history(frame, title=title))
    return Section(key="predictions", title="How predictions turned out", lead=lead, blocks=(block,))


def _recommendations(runs: tuple[PastRun, ...], rows: tuple[HistoryRow, ...]) -> list[Section]:
    by_run = {key: tuple(group) for key, group in groupby(sorted(rows, key=lambda r: r.run_id), lambda r: r.run_id)}
    made = []
    for at, run in enumerate(run for run in runs if run.run_id in by_run):
        own = tuple(sorted(by_run[run.run_id], key=lambda row: row.rank))
        errors = [abs(error) for row in own if (error := error_of(row)) is not None]
        off = f"; predictions were off by {percent(sum(errors) / len(errors))} on average" if errors else ""
        table = history_table(own, key=f"run-{at}", caption=f"{decided_words(own)}{off}")
        lead = f"{run.dataset}, baseline {run.baseline}, started {run.started_at}."
        made.append(Section(key=f"run-{at}", title=run.run_id, lead=lead, blocks=(table,)))
    return made
