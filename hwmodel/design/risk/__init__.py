"""What may go wrong with a recommendation: stress tests, the developer's view, and changes that history made."""

from hwmodel.design.risk.first_change import Step, first_change, next_levels, single_steps
from hwmodel.design.risk.past_change import (
    PastChangeRow,
    matched_runs,
    past_change_rows,
    predicted_ratios,
    with_memory_of,
)
from hwmodel.design.risk.plants import PLANTS, Plant, plant_scenario
from hwmodel.design.risk.ratio_width import PairError, measured_run_pair, pipeweave_pairs, width_for

__all__ = [
    "PLANTS",
    "PairError",
    "PastChangeRow",
    "Plant",
    "Step",
    "first_change",
    "matched_runs",
    "measured_run_pair",
    "next_levels",
    "past_change_rows",
    "pipeweave_pairs",
    "plant_scenario",
    "predicted_ratios",
    "single_steps",
    "width_for",
    "with_memory_of",
]
