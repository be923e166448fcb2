"""The order of the page: every section in the order in which a reviewer reads."""

from collections.abc import Callable

from pipelines.report.content import ReportContent
from pipelines.report.sections.bill import hotspots, service
from pipelines.report.sections.coming import coming
from pipelines.report.sections.context import context
from pipelines.report.sections.demand import waits, workload
from pipelines.report.sections.designs import design_space, predictions, refused, robustness
from pipelines.report.sections.emerging import emerging
from pipelines.report.sections.leaving import leaving
from pipelines.report.sections.model import Section
from pipelines.report.sections.questions import questions
from pipelines.report.sections.recommended import recommendations
from pipelines.report.sections.reuse import reuse
from pipelines.report.sections.risks import developers, risks
from pipelines.report.sections.sources import doubts, evidence, provenance

_ORDER: tuple[Callable[[ReportContent], Section | None], ...] = (
    recommendations,
    design_space,
    questions,
    workload,
    waits,
    context,
    leaving,
    emerging,
    coming,
    reuse,
    hotspots,
    service,
    predictions,
    robustness,
    risks,
    developers,
    refused,
    evidence,
    doubts,
    provenance,
)


def sections(content: ReportContent) -> tuple[Section, ...]:
    """All sections below the headline that have something to say."""
    made = (make(content) for make in _ORDER)
    return tuple(section for section in made if section is not None)
