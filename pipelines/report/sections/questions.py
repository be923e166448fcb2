"""The questions of the feedback loop, each answered in a sentence with a number, or with why there is none."""

import polars as pl

from pipelines.report.content import ReportContent
from pipelines.report.formats import percent, seconds
from pipelines.report.palette import STALL_NAMES, named
from pipelines.report.sections.coming import coming_answer
from pipelines.report.sections.context import context_answer
from pipelines.report.sections.emerging import emerging_answer
from pipelines.report.sections.leaving import leaving_answer
from pipelines.report.sections.model import Cell, Column, Section, Table
from pipelines.report.sections.reuse import reuse_answer
from pipelines.report.sections.surfaces import surface_name

_OF_THE_MODEL = ("queue", "prefill", "decode", "service")


def questions(content: ReportContent) -> Section:
    """One row for each question."""
    rows = tuple((Cell(text=question), Cell(text=answer)) for question, answer in answers(content))
    heads = (Column(head="question", numeric=False), Column(head="answer", numeric=False))
    table = Table(key="questions", caption="What the telemetry says", columns=heads, rows=rows)
    lead = "What people and agents go through today, and where it is heading."
    return Section(key="questions", title="The loop's questions", lead=lead, blocks=(table,))


def answers(content: ReportContent) -> tuple[tuple[str, str], ...]:
    """Question and answer, in the order of the sections below."""
    return (
        ("Where do users wait?", waits_answer(content)),
        ("Where do agents stall?", stalls_answer(content)),
        ("What context patterns grow?", context_answer(content)),
        ("What latency makes people leave?", leaving_answer(content)),
        ("What is emerging?", emerging_answer(content)),
        ("What is coming?", coming_answer(content)),
        ("What does a lost cache cost?", reuse_answer(content)),
    )


def waits_answer(content: ReportContent) -> str:
    """Share of session time that goes into the model, and its largest part."""
    known = content.waits.filter(pl.col("total_s") > 0).with_columns(pl.col("surface", "wait").cast(pl.String))
    model = known.filter(pl.col("wait").is_in(_OF_THE_MODEL))
    if model.is_empty():
        return f"Not told: {content.run.dataset} reports no latencies."
    model_s = float(model["total_s"].sum())
    by_part = model.group_by("surface", "wait").agg(pl.col("total_s").sum())
    largest = by_part.sort("total_s", "surface", "wait", descending=[True, False, False]).row(0, named=True)
    return (
        f"{percent(model_s / float(known['total_s'].sum()))} of session time is spent waiting for the model; the "
        f"largest part is {largest['wait']} in {surface_name(largest['surface'])} "
        f"({percent(largest['total_s'] / model_s)} of it)."
    )


def stalls_answer(content: ReportContent) -> str:
    """The largest cause of stalled time."""
    known = content.stalls.filter(pl.col("stalled_s") > 0)
    if known.is_empty():
        return f"Not told: {content.run.dataset} has no agent loop with tools and latencies to stall in."
    sums = known.group_by(pl.col("cause").cast(pl.String)).agg(pl.col("stalled_s").sum())
    total_s = float(sums["stalled_s"].sum())
    worst = sums.sort("stalled_s", "cause", descending=[True, False]).row(0, named=True)
    return (
        f"At {named(worst['cause'], STALL_NAMES)}: {percent(worst['stalled_s'] / total_s)} of "
        f"{seconds(total_s)} of stalled time."
    )
