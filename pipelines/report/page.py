"""The order of the page: every section in the order in which a reviewer reads."""

from pipelines.report.content import ReportContent
from pipelines.report.sections.bill import hotspots, service
from pipelines.report.sections.demand import waits, workload
from pipelines.report.sections.designs import design_space, predictions, refused, robustness
from pipelines.report.sections.model import Section
from pipelines.report.sections.recommended import recommendations
from pipelines.report.sections.sources import doubts, evidence, provenance

_ORDER = (
    recommendations,
    design_space,
    workload,
    waits,
    hotspots,
    service,
    predictions,
    robustness,
    refused,
    evidence,
    doubts,
    provenance,
)


def sections(content: ReportContent) -> tuple[Section, ...]:
    """All sections below the headline."""
    return tuple(make(content) for make in _ORDER)
