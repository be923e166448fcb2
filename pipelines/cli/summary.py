"""The summary of a run: as a table for people, as plain values for machines."""

from typing import Any

from rich.table import Table

from pipelines.run_loop import RunSummary


def summary_table(summary: RunSummary) -> Table:
    """What the run did, one row per fact."""
    table = Table(title=f"run {summary.run_id}", show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column()
    for name, value in _facts(summary).items():
        table.add_row(name, value)
    return table


def summary_json(summary: RunSummary) -> dict[str, Any]:
    """The summary as plain values."""
    return {
        "run_id": summary.run_id,
        "dataset": summary.dataset,
        "days": [day.isoformat() for day in summary.days],
        "calls": summary.call_count,
        "sessions": summary.session_count,
        "quarantined": summary.quarantined_count,
        "quarantined_by_rule": dict(summary.quarantined),
        "llm_mix": dict(summary.llm_mix),
        "stage_s": {stage: round(seconds, 3) for stage, seconds in summary.stage_s.items()},
        "failed_checks": list(summary.failed_checks),
        "snapshots": dict(summary.snapshots),
        "headline": list(summary.headline),
        "report": str(summary.report) if summary.report else None,
    }


def _facts(summary: RunSummary) -> dict[str, str]:
    rules = ", ".join(f"{rule} {count:,}" for rule, count in summary.quarantined.items())
    refused = f"{summary.quarantined_count:,}" + (f" ({rules})" if rules else "")
    stages = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in summary.stage_s.items())
    failed = "; ".join(summary.failed_checks)
    return {
        "dataset": summary.dataset,
        "days": f"{len(summary.days)} ({summary.days[0]} to {summary.days[-1]})",
        "calls": f"{summary.call_count:,}",
        "sessions": f"{summary.session_count:,}",
        "quarantined": refused,
        "served by": ", ".join(f"{llm} {share:.0%}" for llm, share in summary.llm_mix.items()),
        "time": stages,
        **({"recommended": summary.headline[0]} if summary.headline else {}),
        **({"how sure": summary.headline[1]} if len(summary.headline) > 1 else {}),
        **({"report": str(summary.report)} if summary.report else {}),
        "checks": f"{len(summary.failed_checks)} failed: {failed}" if failed else "all hold",
    }
