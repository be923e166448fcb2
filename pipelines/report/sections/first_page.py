"""The first page: what to change, what it buys, what it costs, how sure that is, what would overturn it, and today."""

import polars as pl

from pipelines.report.content import RecommendationView, ReportContent
from pipelines.report.formats import MISSING, count, gain, percent, quantity, ratio, scaled, usd
from pipelines.report.sections.headline import winner
from pipelines.report.sections.model import Answer
from pipelines.report.sections.recommended import change_text, decided_text

_COSTS_SHOWN = 4
_OVERTURNS_SHOWN = 4
_CURVE_WORDS = {
    "dollars": "value per dollar",
    "watts": "value per joule",
    "racks": "value per rack hour",
    "latency": "value per second of latency",
}


def first_page(content: ReportContent) -> tuple[Answer, ...]:
    """Six answers, each a name or number with what belongs to it."""
    view = winner(content)
    if view is None:
        return (*_nothing(content), _overturn(content), _today(content))
    return (
        _change(content, view),
        _buys(view),
        _costs(view),
        _sure(content, view),
        _overturn(content),
        _today(content),
    )


def _change(content: ReportContent, view: RecommendationView) -> Answer:
    moves = [f"{change.label}: {' to '.join(change_text(change))}" for change in view.changes]
    decided = decided_text(content, view)
    return Answer(question="What to change", figure=view.title, lines=(*moves, *([decided] if decided else [])))


def _buys(view: RecommendationView) -> Answer:
    known = {_CURVE_WORDS.get(name, name): value for name, value in view.curves.items()}
    shown = view.predicted_gain.mid if view.reevaluated_gain is None else view.reevaluated_gain
    lines = tuple(f"{name}: {ratio(value)} today's" for name, value in known.items())
    return Answer(
        question="What it buys",
        figure=f"{gain(shown)} value per dollar",
        lines=lines or ("the design was not replayed",),
    )


def _costs(view: RecommendationView) -> Answer:
    lines = [f"{name}: {quantity(a, unit)} to {quantity(b, unit)}" for name, (a, b, unit) in view.costs.items()]
    tight = view.limits.drop_nulls("used_ratio").sort("used_ratio", descending=True).head(1)
    for row in tight.iter_rows(named=True):
        lines = [*lines[:_COSTS_SHOWN], f"tightest limit: {row['limit']}, {percent(row['used_ratio'])} used"]
    module = view.costs.get("module cost")
    figure = f"{gain(module[1] / module[0] - 1.0)} per module" if module and module[0] else MISSING
    return Answer(question="What it costs", figure=figure, lines=tuple(lines) or ("the design was not replayed",))


def _sure(content: ReportContent, view: RecommendationView) -> Answer:
    low, high = gain(view.silicon_gain.low), gain(view.silicon_gain.high)
    emulator = f"{gain(view.predicted_gain.low)} to {gain(view.predicted_gain.high)}"
    lines = [
        "that is the silicon interval of value per dollar, 90 %; it excludes no gain",
        f"predicted {gain(view.predicted_gain.mid)} (emulator interval {emulator})",
        f"re-evaluated {gain(view.reevaluated_gain)}",
    ]
    checked = content.calibration.drop_nulls("evaluated_ratio")
    if not checked.is_empty():
        lines.append(f"{int(checked['inside'].sum())} of {checked.height} predictions lay inside their interval")
    lines.append(f"evidence: {view.evidence.partition(':')[0]}")
    return Answer(question="How sure", figure=f"{low} to {high}", lines=tuple(lines))


def _overturn(content: ReportContent) -> Answer:
    question = "What would overturn it"
    if content.robustness.is_empty():
        return Answer(question=question, figure="not known", lines=("no what-if was tried in this run",))
    changed = content.robustness.filter("changed")
    total = content.robustness.height
    if changed.is_empty():
        return Answer(
            question=question, figure=f"none of {total} what-ifs", lines=("see the doubts for what was not tried",)
        )
    lines = [f"{row['scenario']}: then {row['winner']}" for row in changed.head(_OVERTURNS_SHOWN).iter_rows(named=True)]
    more = changed.height - len(lines)
    rest = (f"and {more} more",) if more else ()
    return Answer(question=question, figure=f"{changed.height} of {total} what-ifs", lines=(*lines, *rest))


def _today(content: ReportContent) -> Answer:
    if content.fleet.is_empty():
        return Answer(question="Fleet today", figure=MISSING, lines=("the demand was not replayed",))
    total = content.fleet.select(pl.col("chips_count", "tco_usd_per_h", "power_w").sum()).row(0, named=True)
    return Answer(
        question="Fleet today",
        figure=f"{count(total['chips_count'])} chips",
        lines=(
            f"{content.run.baseline}, for {', '.join(content.run.llms)}",
            f"total cost of ownership: {usd(total['tco_usd_per_h'], '/h')}",
            f"power: {scaled(total['power_w'], 'W')} all in",
        ),
    )


def _nothing(content: ReportContent) -> tuple[Answer, ...]:
    nearest = min(content.recommendations, key=lambda view: view.rank, default=None)
    if nearest is None:
        return (Answer(question="What to change", figure="none", lines=("no design was evaluated",)),)
    low, high = gain(nearest.silicon_gain.low), gain(nearest.silicon_gain.high)
    return (
        Answer(question="What to change", figure="none", lines=("no design gains for certain on silicon",)),
        Answer(
            question="The nearest",
            figure=f"{low} to {high}",
            lines=(f"{nearest.title}: silicon interval of value per dollar, 90 %; it includes no gain",),
        ),
    )
