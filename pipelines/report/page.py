"""The order of the page: the case, the doubts, and what both rest on, every section in the order of a reviewer.

A section is added by its function in one of the three lists; a part without sections is left out.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pipelines.report.content import ReportContent
from pipelines.report.sections.bill import hotspots, service
from pipelines.report.sections.chip_errors import chip_errors
from pipelines.report.sections.coming import coming
from pipelines.report.sections.context import context
from pipelines.report.sections.decisions import decisions
from pipelines.report.sections.demand import waits, workload
from pipelines.report.sections.designs import design_space, predictions, refused, robustness
from pipelines.report.sections.emerging import emerging
from pipelines.report.sections.explained import elasticity, parts, shift
from pipelines.report.sections.firmness import grounds, regret, software, thresholds
from pipelines.report.sections.generations import generations
from pipelines.report.sections.interactivity import interactivity
from pipelines.report.sections.leaving import leaving
from pipelines.report.sections.limits import limits
from pipelines.report.sections.model import Part, Section
from pipelines.report.sections.questions import questions
from pipelines.report.sections.recommended import recommendations
from pipelines.report.sections.reuse import reuse
from pipelines.report.sections.sources import doubts, evidence, provenance, words

Make = Callable[[ReportContent], Section | None]

_CASE: tuple[Make, ...] = (
    questions,
    workload,
    coming,
    hotspots,
    service,
    chip_errors,
    design_space,
    interactivity,
    recommendations,
    parts,
    shift,
    elasticity,
    software,
    limits,
    predictions,
    generations,
)
_DOUBTS: tuple[Make, ...] = (regret, thresholds, robustness, grounds, doubts, refused, evidence)
_ANNEX: tuple[Make, ...] = (waits, context, leaving, emerging, reuse, decisions, provenance, words)

_PARTS: tuple[tuple[str, str, str, tuple[Make, ...]], ...] = (
    ("case", "The case", "From the demand through the bill to the designs, and how well they were told.", _CASE),
    ("doubt", "The doubts", "What would change the answer, and what nobody knows.", _DOUBTS),
    ("annex", "What it rests on", "The telemetry in detail, where every number comes from, and the words.", _ANNEX),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefact:
    """One of the things that an architecture review asks for."""

    name: str
    section: str
    """Key of the section that holds it; empty where this run has none."""


_ASKED: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Workload card with mix, percentiles and forecast", ("workload",)),
    ("Hotspot table: kernel, share of time, energy and dollars, limiter", ("hotspots",)),
    ("Roofline with hotspots sized by their share", ("hotspots",)),
    ("Chip model against measured chips, by chip and phase", ("chip-errors",)),
    ("Designs and real chips: value, tokens per dollar and joule against interactivity", ("interactivity", "designs")),
    ("Recommendation table with gains, intervals, costs and re-evaluation", ("recommendations",)),
    ("Elasticities", ("elasticities",)),
    ("Regret over scenarios", ("regret",)),
    ("Ablation and Shapley shares", ("parts",)),
    ("Constraint slack", ("limits",)),
    ("Closed loop: predicted against re-evaluated", ("predictions",)),
    ("What would change our mind, and what nobody knows", ("thresholds", "doubts")),
)


def report_parts(content: ReportContent) -> tuple[Part, ...]:
    """Everything below the first page that has something to say."""
    parts = (
        Part(
            key=key,
            title=title,
            lead=lead,
            sections=tuple(made for make in makes if (made := make(content)) is not None),
        )
        for key, title, lead, makes in _PARTS
    )
    return tuple(part for part in parts if part.sections)


def sections(content: ReportContent) -> tuple[Section, ...]:
    """All sections below the first page, in order."""
    return tuple(section for part in report_parts(content) for section in part.sections)


def artefacts(parts: tuple[Part, ...]) -> tuple[Artefact, ...]:
    """What a review asks for, and where on this page it is."""
    there = {section.key for part in parts for section in part.sections}
    return tuple(Artefact(name=name, section=next((key for key in keys if key in there), "")) for name, keys in _ASKED)
