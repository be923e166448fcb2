"""How firm the recommendation is: regret over scenarios, thresholds, software alone, evidence."""

from collections.abc import Callable
from typing import Any

import polars as pl

from pipelines.report.charts import regret_heatmap
from pipelines.report.content import ReportContent
from pipelines.report.explanation import FIRM
from pipelines.report.formats import MISSING, gain, percent, ratio, significant
from pipelines.report.sections.model import Block, Cell, Column, Figure, Note, Section, Table, empty

Row = dict[str, Any]

_NONE_HELD = "No design was held against scenarios."
FIRM_WORDS = (
    "is among the finalists for its worst scenario: of all designs scored, none gives less away in the scenario that "
    "likes it least, by what was learned of each scenario."
)
_METHODS = (("replay", "by replay"), ("closed form", "in closed form"))


def regret(content: ReportContent) -> Section:
    """The matrix, its summary, and the scenarios that could not be told."""
    frame, summary = content.explanation.regret, content.explanation.regret_summary
    lead = (
        "Share of value per dollar that a design gives away in each scenario against the best known there: by replay "
        "among the rows shown, in closed form among all feasible designs of the space, each scored in every scenario. "
        "Real chips are in closed form only. Each scenario is served by the fleet that it needs; small cells make "
        "single replayed figures coarse."
    )
    blocks: list[Block] = []
    for method, words in _METHODS:
        rows = frame.filter(pl.col("method") == method)
        if len(rows):
            title = _regret_title(summary.filter(pl.col("method") == method), words)
            key = f"regret-{method.replace(' ', '-')}"
            blocks.append(Figure(key=key, chart=regret_heatmap(rows, title=title)))
    blocks = [*blocks, _summary(summary)] if blocks else [empty(_NONE_HELD)]
    firm = summary.filter(pl.col("kind") == FIRM)["design"].unique(maintain_order=True).to_list()
    blocks += [Note(sentences=(f"{name} {FIRM_WORDS}",)) for name in firm]
    left_out = content.explanation.scenarios.drop_nulls("reason")
    if len(left_out):
        told = "; ".join(f"{row['scenario']}: {row['reason']}" for row in left_out.iter_rows(named=True))
        blocks.append(Note(sentences=(f"Left out: {told}.",)))
    return Section(key="regret", title="Regret over scenarios", lead=lead, blocks=tuple(blocks))


def thresholds(content: ReportContent) -> Section:
    """What would change our mind."""
    frame = content.explanation.flips
    lead = (
        "The multiple of today's at which a rival would win, by bisection on the closed form, anchored at what the "
        "replay found today. Where a threshold was replayed, winner over rival there should be near 1."
    )
    heads = (
        Column(head="if this changes", numeric=False),
        Column(head="this wins", numeric=False),
        Column(head="from", explained="multiple of today's"),
        Column(head="looked at"),
        Column(head="winner over rival, replayed there"),
        Column(head="confirmed", numeric=False, explained="both within 5 % of each other in the replay"),
    )
    found = frame["threshold"].is_not_null().sum()
    caption = f"A rival wins somewhere along {found} of {len(frame)} ways of being wrong"
    block = _table(
        frame,
        _threshold_row,
        key="thresholds",
        caption=caption,
        columns=heads,
        otherwise="No thresholds: no design was replayed in full.",
    )
    return Section(key="thresholds", title="What would change our mind", lead=lead, blocks=(block,))


def software(content: ReportContent) -> Section:
    """What settings buy on the unchanged chip, beside the new one."""
    frame = content.explanation.software
    lead = (
        "Settings of the serving engine and number formats, the same options for either chip: all scored in closed "
        "form, the best replayed beside today's settings. Tensor-parallel width is chosen anew each time. Gains are "
        "over the unchanged chip with today's settings. Drafts of a head (speculative decoding) are replayed only; "
        "with rejection sampling answers keep their distribution, but how many are accepted was measured on another "
        "LLM and is assumed here."
    )
    heads = (
        Column(head="chip", numeric=False),
        Column(head="best settings", numeric=False),
        Column(head="quality risk", numeric=False),
        Column(head="closed form"),
        Column(head="replayed"),
        Column(head="options scored"),
        Column(head="replayed options"),
    )
    block = _table(
        frame,
        _software_row,
        key="software",
        caption=_software_caption(frame),
        columns=heads,
        otherwise="No settings were tried.",
    )
    return Section(key="software", title="What software alone would buy", lead=lead, blocks=(block,))


def grounds(content: ReportContent) -> Section:
    """What each finalist's figures rest on."""
    frame = content.explanation.grounds
    lead = (
        "Distance is the sum of |log ratio| over cores, matrix rate, L2, memory rate and clock. Widths of silicon "
        "intervals were judged on pairs of chips so far apart; beyond that a claim is downgraded to assumed."
    )
    heads = (
        Column(head="design", numeric=False),
        Column(head="evidence", numeric=False),
        Column(head="nearest measured chip", numeric=False),
        Column(head="distance to it"),
        Column(head="distance from baseline"),
        Column(head="judged range"),
    )
    down = int(frame["is_downgraded"].sum())
    caption = f"{down} of {len(frame)} finalists lie outside what was judged" if down else "All inside what was judged"
    block = _table(
        frame,
        _ground_row,
        key="grounds",
        caption=caption,
        columns=heads,
        otherwise="No finalist, so nothing to ground.",
    )
    return Section(key="grounds", title="What the claims rest on", lead=lead, blocks=(block,))


def _table(
    frame: pl.DataFrame,
    cells: Callable[[Row], tuple[Cell, ...]],
    *,
    key: str,
    caption: str,
    columns: tuple[Column, ...],
    otherwise: str,
) -> Block:
    """A row of cells for each row of the frame, or a sentence where it has none."""
    if frame.is_empty():
        return empty(otherwise)
    rows = tuple(cells(row) for row in frame.iter_rows(named=True))
    return Table(key=key, caption=caption, columns=columns, rows=rows)


def _regret_title(summary: pl.DataFrame, words: str) -> str:
    best = summary.filter("is_minimax").row(0, named=True)
    return f"{best['design']} has the least largest regret {words}: {percent(best['most_ratio'])}"


def _summary(summary: pl.DataFrame) -> Block:
    heads = (
        Column(head="design", numeric=False),
        Column(head="method", numeric=False),
        Column(head="scenarios"),
        Column(head="largest regret"),
        Column(head="mean regret"),
        Column(head="in the top 3", explained="share of the scenarios in which it is one of the three best rows"),
        Column(head="best by", numeric=False),
    )
    caption = "Largest and mean regret by design"
    return _table(summary, _summary_row, key="regret-summary", caption=caption, columns=heads, otherwise=_NONE_HELD)


def _summary_row(row: Row) -> tuple[Cell, ...]:
    best = (word for word, key in (("minimax", "is_minimax"), ("mean", "is_least_mean")) if row[key])
    return (
        Cell(text=row["design"]),
        Cell(text=row["method"]),
        Cell(text=str(row["scenarios"])),
        Cell(text=percent(row["most_ratio"])),
        Cell(text=percent(row["mean_ratio"])),
        Cell(text=percent(row["top_ratio"])),
        Cell(text=" and ".join(best)),
    )


def _threshold_row(row: Row) -> tuple[Cell, ...]:
    threshold, replayed = row["threshold"], row["replayed_ratio"]
    is_checked = isinstance(replayed, float)
    verdict = ("yes" if row["confirmed"] else "no") if is_checked else ("not replayed" if threshold else MISSING)
    return (
        Cell(text=str(row["lever"])),
        Cell(text=str(row["rival"])),
        Cell(text=ratio(threshold) if isinstance(threshold, float) else "nowhere"),
        Cell(text=f"{_span(row['low'])} to {_span(row['high'])}"),
        Cell(text=ratio(replayed) if isinstance(replayed, float) else MISSING),
        Cell(text=verdict),
    )


def _software_row(row: Row) -> tuple[Cell, ...]:
    return (
        Cell(text=row["chip"]),
        Cell(text=row["option"]),
        Cell(text="more" if row["is_risky"] else "as today", badge="changed" if row["is_risky"] else "kept"),
        Cell(text=_over_one(row["closed_form_ratio"])),
        Cell(text=_over_one(row["replayed_ratio"])),
        Cell(text=str(row["scored"])),
        Cell(text=str(row["replayed"])),
    )


def _ground_row(row: Row) -> tuple[Cell, ...]:
    return (
        Cell(text=row["title"]),
        Cell(text=row["kind"], badge=row["kind"], explained=row["words"]),
        Cell(text=row["nearest_chip"]),
        Cell(text=significant(row["nearest_distance"])),
        Cell(text=significant(row["change_distance"])),
        Cell(text=f"{significant(row['judged_low'])} to {significant(row['judged_high'])}"),
    )


def _span(value: object) -> str:
    return ratio(value) if isinstance(value, float) else MISSING


def _software_caption(frame: pl.DataFrame) -> str:
    safe = frame.filter(~pl.col("is_risky"))
    each = [f"{row['chip']} {_over_one(row['replayed_ratio'])}" for row in safe.iter_rows(named=True)]
    return f"With the best settings of the same quality: {', '.join(each)}"


def _over_one(value: float | None) -> str:
    return gain(None if value is None else value - 1.0)
