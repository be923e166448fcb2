"""The recommendations: one card each, from parameter change to evidence."""

from pipelines.report.charts import attribution, bill_shift, four_curves, limits_used
from pipelines.report.content import DesignChange, RecommendationView, ReportContent
from pipelines.report.content import Interval as GainInterval
from pipelines.report.formats import MISSING, gain, quantity
from pipelines.report.sections.headline import EMULATOR_EXPLAINED, REEVALUATED_EXPLAINED, SILICON_EXPLAINED
from pipelines.report.sections.model import Block, Card, Cell, Column, Figure, Interval, Section, Table, empty

KINDS = ("measured", "published", "calibrated", "extrapolated", "assumed")
"""Evidence kinds with a badge of their own, strongest first."""


def recommendations(content: ReportContent) -> Section:
    """One card for each recommended or nearly recommended design."""
    cards = tuple(
        card(view, decided_text(content, view)) for view in sorted(content.recommendations, key=lambda view: view.rank)
    )
    lead = (
        "Each design serves the same offered demand as the baseline with the smallest fleet that meets the service "
        "levels. The two intervals answer different questions and are never mixed."
    )
    blocks: tuple[Block, ...] = ()
    if not cards:
        blocks = (empty("No design change is shown, because the search returned none that beats the baseline."),)
    return Section(key="recommendations", title="Recommendations", lead=lead, blocks=blocks, cards=cards)


def card(view: RecommendationView, decided: str = "") -> Card:
    """Everything about one design, and what was decided on it."""
    kind, _, reason = view.evidence.partition(":")
    known = kind.strip() in KINDS
    return Card(
        key=f"r{view.rank}",
        rank=view.rank,
        title=view.title,
        recommended=view.recommended,
        decided=decided,
        verdict="recommended" if view.recommended else "not recommended: its silicon interval includes no gain",
        changes=_changes(view),
        gains=gains(view),
        why=view.why,
        evidence_kind=kind.strip() if known else "",
        evidence=reason.strip() if known else view.evidence,
        costs=_costs(view),
        blocks=_figures(view),
    )


def gains(view: RecommendationView) -> tuple[Interval, ...]:
    """The three gains of value per dollar, each with the kind of claim it is."""
    return (
        _interval("predicted", EMULATOR_EXPLAINED, view.predicted_gain, "emulator interval"),
        Interval(
            name="re-evaluated", explained=REEVALUATED_EXPLAINED, mid=gain(view.reevaluated_gain), range="full replay"
        ),
        _interval("on silicon", SILICON_EXPLAINED, view.silicon_gain, "silicon interval"),
    )


def change_text(change: DesignChange) -> tuple[str, str]:
    """A parameter's value before and after, in its display unit or by name."""
    return change.words or (quantity(change.before, change.unit), quantity(change.after, change.unit))


def decided_text(content: ReportContent, view: RecommendationView) -> str:
    """What was decided last on a design, with the reason; empty where nothing was."""
    rows = [row for row in content.decisions if row.design_id == view.design_id and row.decisions]
    return f"decided: {rows[0].decisions[-1]}" if rows else ""


def _interval(name: str, explained: str, value: GainInterval, kind: str) -> Interval:
    return Interval(
        name=name, explained=explained, mid=gain(value.mid), range=f"{kind} {gain(value.low)} to {gain(value.high)}"
    )


def _changes(view: RecommendationView) -> Table:
    rows = []
    for change in view.changes:
        before, after = change_text(change)
        move = gain(change.after / change.before - 1.0) if change.before and not change.words else ""
        rows.append((Cell(text=change.label), Cell(text=before), Cell(text=after), Cell(text=move)))
    heads = (Column(head="parameter", numeric=False), Column(head="from"), Column(head="to"), Column(head="change"))
    return Table(key=f"changes-{view.rank}", caption="What changes", columns=heads, rows=tuple(rows))


def _costs(view: RecommendationView) -> Table:
    rows = []
    for name, (before, after, unit) in view.costs.items():
        texts = (quantity(before, unit), quantity(after, unit), _move(before, after, unit))
        rows.append((Cell(text=name), *(Cell(text=text) for text in texts)))
    heads = (Column(head="cost", numeric=False), Column(head="baseline"), Column(head="design"), Column(head="change"))
    return Table(key=f"costs-{view.rank}", caption="What it costs", columns=heads, rows=tuple(rows))


def _move(before: float, after: float, unit: str) -> str:
    """Relative change; for a share the difference in percentage points."""
    if unit == "ratio":
        return gain(after - before).replace("%", "points")
    return gain(after / before - 1.0) if before else MISSING


def _figures(view: RecommendationView) -> tuple[Block, ...]:
    at = f"r{view.rank}"
    curves: Block = empty("No value curves: the design was not replayed.")
    if view.curves:
        note = (
            "Value per dollar, all-in watt, rack and second of accepted latency; late and refused calls earn nothing."
        )
        curves = Figure(key=f"{at}-curves", chart=four_curves(view.curves), width="half", note=note)
    limits: Block = empty("No limit binds this design: none was declared.")
    if not view.limits.drop_nulls("used_ratio").is_empty():
        limits = Figure(key=f"{at}-limits", chart=limits_used(view.limits), width="half")
    shift: Block = empty("The bill before and after is not split by kernel for this design.")
    if not view.bill_shift.is_empty():
        shift = Figure(key=f"{at}-bill", chart=bill_shift(view.bill_shift), width="half")
    parts: Block = empty("The gain is not attributed to single changes: there is only one, or none was replayed alone.")
    if not view.attribution.drop_nulls(["gain_alone_ratio", "gain_lost_ratio"]).is_empty():
        note = "Where the two bars of a change differ, the changes help or hinder each other."
        parts = Figure(key=f"{at}-parts", chart=attribution(view.attribution), width="half", note=note)
    return curves, limits, shift, parts
