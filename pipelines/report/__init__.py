"""The design-recommendation report: from plain values to a page, a pull-request summary, JSON and pictures."""

from pipelines.report.content import DesignChange, HistoryRow, Interval, RecommendationView, ReportContent, RunFacts
from pipelines.report.errors import BadFigureKey, PictureTooLarge, ReportError
from pipelines.report.explained import ExplainedView
from pipelines.report.explanation import FIRM, Explanation
from pipelines.report.history import render_history, write_history
from pipelines.report.html import render_html
from pipelines.report.machine import render_json
from pipelines.report.markdown import render_markdown
from pipelines.report.picture import chart_png
from pipelines.report.write import ReportFiles, write_report

__all__ = [
    "FIRM",
    "BadFigureKey",
    "DesignChange",
    "ExplainedView",
    "Explanation",
    "HistoryRow",
    "Interval",
    "PictureTooLarge",
    "RecommendationView",
    "ReportContent",
    "ReportError",
    "ReportFiles",
    "RunFacts",
    "chart_png",
    "render_history",
    "render_html",
    "render_json",
    "render_markdown",
    "write_history",
    "write_report",
]
