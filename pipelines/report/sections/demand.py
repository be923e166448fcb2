"""The demand: workload card, load by hour, waits and stalls."""

from collections.abc import Callable

import polars as pl

from pipelines.report.charts import load_by_hour, mix_by_surface, stalls_by_cause, waits_by_surface
from pipelines.report.content import ReportContent
from pipelines.report.formats import count, percent, scaled, seconds
from pipelines.report.palette import SURFACE_COLOURS, SURFACE_NAMES, named
from pipelines.report.sections.model import Block, Cell, Column, Figure, Section, Table, empty

_CARD_COLUMNS: tuple[tuple[str, str, str, Callable[[float | None], str]], ...] = (
    ("calls", "calls", "", count),
    ("call_share_ratio", "share of calls", "", percent),
    ("sessions", "sessions", "", count),
    ("calls_per_session_p50_count", "calls per session", "median", count),
    ("input_p50_tokens", "prompt p50", "tokens of the whole prompt, cached tokens included", lambda v: scaled(v, "")),
    ("input_p90_tokens", "p90", "prompt tokens", lambda v: scaled(v, "")),
    ("input_p99_tokens", "p99", "prompt tokens", lambda v: scaled(v, "")),
    ("output_p50_tokens", "output p50", "output tokens", lambda v: scaled(v, "")),
    ("output_p90_tokens", "p90", "output tokens", lambda v: scaled(v, "")),
    ("output_p99_tokens", "p99", "output tokens", lambda v: scaled(v, "")),
    ("shared_ratio", "shared prefix", "shared prefix tokens over all prompt tokens, first calls included", percent),
    ("ttft_p50_s", "TTFT p50", "time to first token", seconds),
    ("ttft_p95_s", "TTFT p95", "time to first token", seconds),
    ("cut_ratio", "cut short", "calls that ended by cancel, error or rate limit", percent),
)


def workload(content: ReportContent) -> Section:
    """Workload card and load by hour."""
    lead = f"What users asked for: {count(content.run.call_count)} calls of {content.run.dataset}"
    lead += f" ({content.run.source}), {_days(content)}."
    table: Block = _card(content.card) if not content.card.is_empty() else empty("No call passed the contract.")
    load: Block = empty("No load by hour: the source gives no time of request.")
    if content.load["call_count"].sum():
        load = Figure(key="load", chart=load_by_hour(content.load))
    sizes: Block = empty("No prompt lengths: the source reports no token counts.")
    if (content.card["input_p50_tokens"] > 0).any():
        sizes = Figure(key="sizes", chart=mix_by_surface(content.card))
    return Section(key="workload", title="Workload card", lead=lead, blocks=(table, sizes, load))


def waits(content: ReportContent) -> Section:
    """Where users wait, where agents stall."""
    lead = "Where time goes between a request and its answer."
    blocks = (_wait_block(content), _stall_block(content))
    return Section(key="waits", title="Waits and stalls", lead=lead, blocks=blocks)


def _days(content: ReportContent) -> str:
    days = sorted(content.run.days)
    if not days:
        return "no day recorded"
    return str(days[0]) if len(days) == 1 else f"{days[0]} to {days[-1]} ({len(days)} days)"


def _card(card: pl.DataFrame) -> Table:
    present = [column for column in _CARD_COLUMNS if column[0] in card.columns]
    rows = []
    for row in card.iter_rows(named=True):
        surface = str(row["surface"])
        first = Cell(
            text="all surfaces" if surface == "all" else named(surface, SURFACE_NAMES),
            swatch=SURFACE_COLOURS.get(surface, ""),
        )
        rows.append((first, *(Cell(text=write(row[name])) for name, _, _, write in present)))
    heads = tuple(Column(head=head, explained=explained) for _, head, explained, _ in present)
    untold = [head for name, head, _, _ in present if card[name].null_count() == card.height]
    note = f"Not reported by this source: {', '.join(untold)}." if untold else ""
    caption = "Volume and size of calls by surface"
    return Table(
        key="card",
        caption=caption,
        columns=(Column(head="surface", numeric=False), *heads),
        rows=tuple(rows),
        note=note,
    )


def _wait_block(content: ReportContent) -> Block:
    known = content.waits.filter(pl.col("total_s") > 0)
    if known.is_empty():
        return empty(f"No wait profile: {content.run.dataset} reports no latencies, so time cannot be split.")
    missing = [kind for kind in ("queue", "prefill", "decode", "tool", "human") if kind not in set(known["wait"])]
    note = f"Not told by this source: {', '.join(missing)}." if missing else ""
    return Figure(key="waits", chart=waits_by_surface(known), note=note)


def _stall_block(content: ReportContent) -> Block:
    known = content.stalls.filter(pl.col("stalled_s") > 0)
    if known.is_empty():
        return empty(f"No stalls: {content.run.dataset} has no agent loop with tools and latencies to stall in.")
    return Figure(key="stalls", chart=stalls_by_cause(known))
