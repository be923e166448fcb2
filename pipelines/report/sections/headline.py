"""The first screen: what to change in plain words, and four key figures."""

import polars as pl

from pipelines.report.content import RecommendationView, ReportContent
from pipelines.report.formats import MISSING, count, gain, scaled, usd
from pipelines.report.sections.model import Tile

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


def tiles(content: ReportContent) -> tuple[Tile, ...]:
    """Recommended change, gain, fleet and dollars per hour."""
    return (*_change_tiles(winner(content)), *_fleet_tiles(content))


def _change_tiles(view: RecommendationView | None) -> tuple[Tile, ...]:
    if view is None:
        return (
            Tile(label="Recommended change", value="none", detail="no design gains for certain on silicon"),
            Tile(label="Value per dollar", value=MISSING, detail="nothing to compare with the baseline"),
        )
    shown = view.predicted_gain.mid if view.reevaluated_gain is None else view.reevaluated_gain
    how = "predicted" if view.reevaluated_gain is None else "re-evaluated"
    low, high = gain(view.silicon_gain.low), gain(view.silicon_gain.high)
    return (
        Tile(label="Recommended change", value=view.title, detail=f"design {view.design_id}, rank {view.rank}"),
        Tile(label="Value per dollar", value=gain(shown), detail=f"{how}; silicon interval {low} to {high}"),
    )


def _fleet_tiles(content: ReportContent) -> tuple[Tile, ...]:
    fleet = content.fleet
    if fleet.is_empty():
        return (Tile(label="Fleet today", value=MISSING, detail="the demand was not replayed"),)
    total = fleet.select(pl.col("chips_count", "tco_usd_per_h", "power_w").sum()).row(0, named=True)
    return (
        Tile(
            label="Fleet today",
            value=f"{count(total['chips_count'])} chips",
            detail=f"{content.run.baseline}, {scaled(total['power_w'], 'W')} all in",
        ),
        Tile(
            label="Cost today",
            value=usd(total["tco_usd_per_h"], "/h"),
            detail="total cost of ownership of the serving fleet",
        ),
    )
