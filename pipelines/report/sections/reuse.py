"""Prefix reuse, and what a lost cache costs: tokens computed again, seconds of prefill, the life that would help."""

from typing import Any

import polars as pl

from pipelines.report.charts import cache_life, hits_by_idle_time
from pipelines.report.charts.reuse import MIN_CALLS_COUNT, duration
from pipelines.report.content import ReportContent
from pipelines.report.formats import MISSING, percent, scaled, seconds
from pipelines.report.sections.model import Block, Cell, Column, Figure, Section, Table
from pipelines.report.sections.surfaces import in_order, surface_cell, surface_name

WANTED_RATIO = 0.9
"""Share of shared tokens that a cache is asked to keep."""

_SUMS = ("call_count", "input_tokens", "shared_tokens", "told_shared", "lost_tokens")


def reuse(content: ReportContent) -> Section | None:
    """Table by surface, hits by idle time and what a longer life keeps; nothing where prompts are not linked."""
    whole = pooled_reuse(content.reuse)
    if whole.is_empty():
        return None
    lead = (
        "Most of a prompt has been computed before: what of it the cache still held, and what computing the rest "
        "again costs. Seconds are those that the telemetry's own first tokens take per uncached token."
    )
    blocks: tuple[Block, ...] = (_table(content, whole),)
    by_idle = pooled_reuse(content.reuse, "idle_low_s", "idle_high_s").drop_nulls(["idle_low_s", "hit_ratio"])
    if (by_idle["call_count"] >= MIN_CALLS_COUNT).any():
        title = "Share of the shared tokens that the cache still held, by idle time (small: shared part of the prompt)"
        blocks += (Figure(key="hits", chart=hits_by_idle_time(by_idle, title=title)),)
    if not content.cache_life.drop_nulls("kept_ratio").is_empty():
        chart = cache_life(content.cache_life, wanted_ratio=WANTED_RATIO, title=life_words(content))
        blocks += (Figure(key="life", chart=chart),)
    return Section(key="reuse", title="Prefix reuse and lost caches", lead=lead, blocks=blocks)


def reuse_answer(content: ReportContent) -> str:
    """Reuse, hits and costs of all surfaces."""
    pooled = pooled_reuse(content.reuse)
    if pooled.is_empty():
        return f"Not told: {content.run.dataset} does not link prompts to earlier calls."
    sums = pooled.select(pl.col(*_SUMS, "lost_s").sum()).row(0, named=True)
    share = percent(sums["shared_tokens"] / max(sums["input_tokens"], 1))
    shared = f"Of the prompts of follow-up calls, {share} is shared with an earlier call"
    if not sums["told_shared"]:
        return f"{shared}; the source does not report what its cache held."
    held, days = 1.0 - sums["lost_tokens"] / sums["told_shared"], _days(content)
    cost = f"{scaled(sums['lost_tokens'] / days, 'tokens')} a day are computed again"
    if pooled["lost_s"].count():
        cost += f", which takes {seconds(sums['lost_s'] / days)} of prefill"
    return f"{shared}; the cache held {percent(held)} of that. {cost}. {life_words(content)}."


def life_words(content: ReportContent) -> str:
    """How long a cache must keep prefixes on the surface that needs it longest."""
    lives = wanted_lives(content.cache_life)
    if not lives:
        return f"No idle times tell how long a cache should live to keep {percent(WANTED_RATIO)}"
    longest = max(lives, key=lambda surface: (lives[surface], surface))
    others = [life for surface, life in lives.items() if surface != longest]
    rest = f", the others {duration(max(others))} at most" if others and max(others) < lives[longest] else ""
    return (
        f"To keep {percent(WANTED_RATIO)} of the shared tokens, {surface_name(longest)} needs a cache life of "
        f"{_life(lives[longest], content)}{rest}"
    )


def wanted_lives(curve: pl.DataFrame) -> dict[str, float]:
    """The shortest life that keeps the wanted share, by surface; endless where only the open band does."""
    enough = curve.filter(pl.col("kept_ratio") >= WANTED_RATIO).with_columns(pl.col("surface").cast(pl.String))
    return dict(enough.group_by("surface").agg(pl.col("life_s").min()).iter_rows())


def pooled_reuse(frame: pl.DataFrame, *bands: str) -> pl.DataFrame:
    """Reuse by surface (and band), days and switches of the model pooled; ratios over the calls that report both.

    Shared tokens of the calls that report their cache are all shared tokens where every call does; else they follow
    from lost tokens and hit ratio of the row, or, with none lost, from the row's share of calls.
    """
    hit, told = pl.col("hit_ratio"), pl.col("told_count") / pl.col("call_count")
    told_shared = (
        pl.when(pl.col("told_count") == pl.col("call_count"))
        .then(pl.col("shared_tokens"))
        .when(hit < 1.0)
        .then(pl.col("lost_tokens") / (1.0 - hit))
        .otherwise(pl.col("shared_tokens") * told)
    )
    costs = ("lost_s", "lost_low_s", "lost_high_s")
    known = [pl.when(pl.col(name).count() > 0).then(pl.col(name).sum()).alias(name) for name in costs]
    share = pl.col("shared_tokens") / pl.col("input_tokens")
    return in_order(
        frame.filter(pl.col("call_count") > 0)
        .with_columns(told_shared=told_shared)
        .group_by("surface", *bands)
        .agg(pl.col(*_SUMS).sum(), *known)
        .with_columns(
            reuse_ratio=pl.when(pl.col("input_tokens") > 0).then(share),
            hit_ratio=pl.when(pl.col("told_shared") > 0).then(1.0 - pl.col("lost_tokens") / pl.col("told_shared")),
        )
        .sort("surface", *bands)
    )


def _table(content: ReportContent, whole: pl.DataFrame) -> Table:
    lives, days = wanted_lives(content.cache_life), _days(content)
    largest = max(whole["lost_tokens"].to_list()) or 1
    rows = tuple(
        (
            surface_cell(row["surface"]),
            Cell(text=percent(row["reuse_ratio"])),
            Cell(text=percent(row["hit_ratio"])),
            _lost(row, days, largest),
            Cell(text=_cost(row, days)),
            Cell(text=_life(lives.get(str(row["surface"])), content)),
        )
        for row in whole.iter_rows(named=True)
    )
    heads = (
        Column(head="surface", numeric=False),
        Column(head="shared", explained="of the prompt tokens of calls that follow another"),
        Column(head="still held", explained="of the shared tokens, by the cache"),
        Column(head="computed again per day", explained="tokens: shared, and no longer in the cache"),
        Column(head="prefill for it per day", explained="with its 95 % interval"),
        Column(head=f"life for {percent(WANTED_RATIO)}", explained="how long a cache must keep prefixes after use"),
    )
    return Table(key="reuse", caption="What is shared, held and lost by surface", columns=heads, rows=rows)


def _lost(row: dict[str, Any], days: int, largest: float) -> Cell:
    if not row["told_shared"]:
        return Cell(text=MISSING)
    return Cell(text=scaled(row["lost_tokens"] / days, ""), share_ratio=row["lost_tokens"] / largest)


def _cost(row: dict[str, Any], days: int) -> str:
    if row["lost_s"] is None:
        return MISSING
    mid, low, high = (seconds(row[name] / days) for name in ("lost_s", "lost_low_s", "lost_high_s"))
    return f"{mid} ({low} to {high})"


def _life(life_s: float | None, content: ReportContent) -> str:
    """A life in words: beyond the last edge of the curve it is only known to be longer."""
    if life_s is None:
        return MISSING
    ends = content.cache_life.filter(pl.col("life_s").is_finite())["life_s"].to_list()
    return duration(life_s) if life_s in ends else f"over {duration(max(ends, default=0.0))}"


def _days(content: ReportContent) -> int:
    return max(len(content.run.days), 1)
