"""The report's short form for a pull request: headline, recommendations, answers, hotspots and doubts as Markdown."""

import re

from pipelines.report.content import RecommendationView, ReportContent
from pipelines.report.formats import percent, quantity
from pipelines.report.sections.bill import top_hotspots
from pipelines.report.sections.first_page import first_page
from pipelines.report.sections.headline import headline
from pipelines.report.sections.questions import answers
from pipelines.report.sections.recommended import change_text, gains

_HOTSPOTS_SHOWN = 5
_BREAKS = re.compile(r"[\x00-\x20\x85\u2028\u2029]+")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]#~!])")
_REFERENCED = re.compile(r"[<>|@&]|:(?=//)")


def render_markdown(content: ReportContent) -> str:
    """Short Markdown with the same numbers as the page; every text of the content is escaped."""
    run = content.run
    lines = [f"# Design recommendation for {escaped(run.baseline)}", ""]
    lines += [f"- {escaped(sentence)}" for sentence in headline(content)]
    lines += ["", *_table(("", "", ""), [(a.question, a.figure, "; ".join(a.lines)) for a in first_page(content)])]
    for view in sorted(content.recommendations, key=lambda item: item.rank):
        lines += ["", *_recommendation(view)]
    lines += ["", "## What the telemetry says", ""]
    lines += [f"- {escaped(question)} {escaped(answer)}" for question, answer in answers(content)]
    if not content.hotspots.is_empty():
        lines += ["", "## Hotspots", "", *_hotspots(content)]
    if content.doubts:
        lines += ["", "## Doubts", "", *(f"- {escaped(doubt)}" for doubt in content.doubts)]
    source = f"run {run.run_id}, {run.dataset} ({run.source}), code {run.code_version}, made at {run.made_at}"
    return "\n".join([*lines, "", f"<sub>{escaped(source)}</sub>", ""])


def escaped(text: str) -> str:
    """Text in which Markdown, HTML, mentions and bare addresses are dead: special signs as escapes."""
    flat = _BREAKS.sub(" ", str(text))
    dead = _REFERENCED.sub(lambda sign: f"&#{ord(sign.group())};", _MARKDOWN.sub(r"\\\1", flat))
    return dead.replace("www.", "www&#46;")


def _recommendation(view: RecommendationView) -> list[str]:
    verdict = "" if view.recommended else " (not recommended)"
    changes = [(change.label, *change_text(change)) for change in view.changes]
    costs = [(name, quantity(a, unit), quantity(b, unit)) for name, (a, b, unit) in view.costs.items()]
    return [
        f"## {view.rank}. {escaped(view.title)}{verdict}",
        "",
        *_table(("parameter", "baseline", "design"), [*changes, *costs]),
        "",
        *_table(("value per dollar", "gain", "range"), [(item.name, item.mid, item.range) for item in gains(view)]),
        "",
        *(f"- {escaped(sentence)}" for sentence in view.why),
        f"- Evidence: {escaped(view.evidence)}",
    ]


def _hotspots(content: ReportContent) -> list[str]:
    rows: list[tuple[str, ...]] = [
        (row["llm"], row["kernel"], row["binding_resource"], percent(row["time_ratio"]), percent(row["cost_ratio"]))
        for row in top_hotspots(content.hotspots)[:_HOTSPOTS_SHOWN]
    ]
    return _table(("LLM", "kernel", "bound by", "time", "dollars"), rows)


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    return lines + [f"| {' | '.join(escaped(cell) for cell in row)} |" for row in rows]
