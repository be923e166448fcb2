"""The files of a report: written beside their place, then moved, so that no reader meets half a report."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pipelines.report.content import ReportContent
from pipelines.report.html import render_html
from pipelines.report.machine import render_json
from pipelines.report.markdown import render_markdown


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFiles:
    """Where the three renderings lie."""

    html: Path
    summary: Path
    machine: Path


def write_report(content: ReportContent, folder: Path) -> ReportFiles:
    """Write report.html, summary.md and report.json into a folder, made if absent.

    All three are rendered and written under another name before the first is moved to its place; if anything fails
    before, the folder's old report stays and nothing half-written is left.
    """
    rendered = {
        "report.html": render_html(content),
        "summary.md": render_markdown(content),
        "report.json": render_json(content),
    }
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".report-", dir=folder) as staging:
        for name, text in rendered.items():
            (Path(staging) / name).write_text(text, encoding="utf-8", newline="\n")
        for name in rendered:
            (Path(staging) / name).replace(folder / name)
    return ReportFiles(html=folder / "report.html", summary=folder / "summary.md", machine=folder / "report.json")
