"""What is emerging: surfaces that grow, kinds of session that were rare, features that drifted."""

from typing import Any

import polars as pl

from pipelines.report.content import ReportContent
from pipelines.report.formats import chance, count, gain, percent, ratio
from pipelines.report.sections.model import Block, Cell, Column, Section, Table
from pipelines.report.sections.surfaces import surface_cell, surface_name

_ROWS_SHOWN = 8


def emerging(content: ReportContent) -> Section | None:
    """Tables of what was flagged; nothing where nothing was."""
    flagged, drifted = _flagged(content), _drifted(content)
    blocks: tuple[Block, ...] = ()
    if not flagged.is_empty():
        blocks += (_risen(flagged),)
    if not drifted.is_empty():
        blocks += (_drift(drifted),)
    if not blocks:
        return None
    lead = (
        "What differs from the weeks before, beyond what days differ anyway. Of what is listed, one in twenty may "
        "be a false alarm."
    )
    return Section(key="emerging", title="What is emerging", lead=lead, blocks=blocks)


def emerging_answer(content: ReportContent) -> str:
    """What was flagged, that nothing was, or why it cannot be told."""
    flagged, drifted = _flagged(content), _drifted(content)
    told = [_surface_words(row) for row in _of_kind(flagged, "surface").head(2).iter_rows(named=True)]
    clusters = _of_kind(flagged, "cluster")
    if not clusters.is_empty():
        row = clusters.row(0, named=True)
        told.append(
            f"{_some(clusters.height, 'rare kind')} of session rose, most clearly in {surface_name(row['surface'])} "
            f"({percent(row['share_before_ratio'])} to {percent(row['share_now_ratio'])} of its sessions)"
        )
    if not drifted.is_empty():
        row = drifted.row(0, named=True)
        told.append(
            f"{_some(drifted.height, 'feature')} of sessions drifted, most in {surface_name(row['surface'])}: "
            f"{row['words']} (median {ratio(row['median_over_reference_ratio'])}, a {_size(row['psi_ratio'])} shift)"
        )
    gaps = dict.fromkeys(
        content.lacking[table] for table in ("emerging_workloads", "workload_drift") if table in content.lacking
    )
    lacking = "; ".join(gaps)
    if told:
        words = "; ".join(told)
        return f"{words[0].upper()}{words[1:]}.{f' Not told in full: {lacking}.' if lacking else ''}"
    if lacking:
        return f"Not told: {next(iter(gaps))}."
    return "Nothing: no surface grows, no feature of sessions drifted and no rare kind of session rose beyond chance."


def _surface_words(row: dict[str, Any]) -> str:
    low, high = gain(row["growth_low_per_day_ratio"]), gain(row["growth_high_per_day_ratio"])
    name, growth = surface_name(row["surface"]), gain(row["growth_per_day_ratio"])
    return f"sessions of {name} grow by {growth} a day ({low} to {high})"


def _some(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _flagged(content: ReportContent) -> pl.DataFrame:
    return content.emerging.filter("is_emerging").sort(
        pl.col("kind").cast(pl.String), "p_value_ratio", "surface", "number", descending=[True, False, False, False]
    )


def _of_kind(frame: pl.DataFrame, kind: str) -> pl.DataFrame:
    return frame.filter(pl.col("kind").cast(pl.String) == kind)


def _drifted(content: ReportContent) -> pl.DataFrame:
    return content.drift.filter("is_drifted").sort("psi_ratio", "surface", "feature", descending=[True, False, False])


def _risen(flagged: pl.DataFrame) -> Table:
    rows = tuple(
        (
            surface_cell(row["surface"]),
            Cell(text="surface" if str(row["kind"]) == "surface" else "kind of session"),
            Cell(text=count(row["session_count"])),
            Cell(text=percent(row["share_before_ratio"])),
            Cell(text=percent(row["share_now_ratio"])),
            Cell(text=chance(row["p_value_ratio"] if row["q_value_ratio"] is None else row["q_value_ratio"])),
            Cell(text=row["profile"]),
        )
        for row in flagged.head(_ROWS_SHOWN).iter_rows(named=True)
    )
    heads = (
        Column(head="surface", numeric=False),
        Column(head="what rose", numeric=False),
        Column(head="sessions", explained="of the last day (surface) or of the last week (kind of session)"),
        Column(head="share before", explained="of all sessions (surface), or of the surface's (kind of session)"),
        Column(head="last week", explained="the same share in the last week"),
        Column(head="p", explained="chance of the rise if there were none; of kinds of session adjusted for all tried"),
        Column(head="profile", numeric=False, explained="how fast it grows, or what sets these sessions apart"),
    )
    note = _left_out(flagged.height)
    return Table(key="risen", caption="What rose beyond chance", columns=heads, rows=rows, note=note)


def _drift(drifted: pl.DataFrame) -> Table:
    rows = tuple(
        (
            surface_cell(row["surface"]),
            Cell(text=row["words"]),
            Cell(text=ratio(row["median_over_reference_ratio"])),
            Cell(text=f"{_size(row['psi_ratio'])} ({row['psi_ratio']:.2f})"),
            Cell(text=chance(row["q_value_ratio"])),
            Cell(text=count(row["session_count"])),
        )
        for row in drifted.head(_ROWS_SHOWN).iter_rows(named=True)
    )
    heads = (
        Column(head="surface", numeric=False),
        Column(head="feature of its sessions", numeric=False),
        Column(head="median", explained="of the last day over that of the days of its kind before"),
        Column(head="shift", explained="population stability index: below 0.1 small, above 0.25 large"),
        Column(head="adjusted p", explained="false discovery rate over all surfaces and features"),
        Column(head="sessions", explained="of the last day"),
    )
    caption = f"Sessions of {drifted['day'][0]} differ from the weeks before"
    return Table(key="drift", caption=caption, columns=heads, rows=rows, note=_left_out(drifted.height))


def _size(psi: float) -> str:
    return "small" if psi < 0.1 else "large" if psi > 0.25 else "medium"


def _left_out(height: int) -> str:
    return f"{height - _ROWS_SHOWN} more are in report.json." if height > _ROWS_SHOWN else ""
