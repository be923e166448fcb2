"""The files of a report: written beside their place, then moved, so that no reader meets half a report."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pipelines.report.content import ReportContent
from pipelines.report.figure_data import FOLDER
from pipelines.report.html import render_report
from pipelines.report.machine import render_json
from pipelines.report.markdown import render_markdown


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFiles:
    """Where the three renderings lie; the data of the figures lie in `data` beside them."""

    html: Path
    summary: Path
    machine: Path


def write_report(content: ReportContent, folder: Path) -> ReportFiles:
    """Write report.html, summary.md, report.json and data/*.csv into a folder, made if absent.

    All of them are rendered and written under another name before the first is moved to its place; if anything fails
    before, the folder's old report stays and nothing half-written is left.
    """
    page = render_report(content)
    rendered = {
        "report.html": page.html,
        "summary.md": render_markdown(content),
        "report.json": render_json(content),
    }
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".report-", dir=folder) as staging:
        new, old = Path(staging) / FOLDER, Path(staging) / "old"
        new.mkdir()
        for name, text in {**rendered, **{f"{FOLDER}/{name}": text for name, text in page.data.items()}}.items():
            (Path(staging) / name).write_text(text, encoding="utf-8", newline="\n")
        if (folder / FOLDER).is_dir():
            (folder / FOLDER).replace(old)
        new.replace(folder / FOLDER)
        for name in rendered:
            (Path(staging) / name).replace(folder / name)
    return ReportFiles(html=folder / "report.html", summary=folder / "summary.md", machine=folder / "report.json")
