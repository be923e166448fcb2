"""What to change in plain words, which design that is, and what its intervals mean."""

from pipelines.report.content import RecommendationView, ReportContent

EMULATOR_EXPLAINED = (
    "Emulator interval: how far the learned cost model may be off from the full replay. "
    "It says nothing about how well the chip model matches silicon."
)
SILICON_EXPLAINED = (
    "Silicon interval: how far the chip model may be off from real chips, for the ratio of design to baseline, "
    "calibrated on measured chip pairs with the target left out."
)
REEVALUATED_EXPLAINED = (
    "The same gain from the full replay on the chip model. Agreement with the prediction checks the learned "
    "cost model only; it validates nothing about silicon."
)


def winner(content: ReportContent) -> RecommendationView | None:
    """The recommendation of the lowest rank that its silicon interval supports."""
    supported = [view for view in content.recommendations if view.recommended]
    return min(supported, key=lambda view: view.rank) if supported else None


def headline(content: ReportContent) -> tuple[str, ...]:
    """The page in plain words; one honest sentence where the pipeline gave none."""
    if content.headline:
        return content.headline
    return (f"No design change is recommended for {content.run.dataset}: no candidate was evaluated.",)
