"""What may go wrong with a recommendation: stress tests, the developer's view, and changes that history made."""

from hwmodel.design.risk.past_change import (
    PastChangeRow,
    matched_runs,
    past_change_rows,
    predicted_ratios,
    with_memory_of,
)
from hwmodel.design.risk.ratio_width import PairError, measured_run_pair, pipeweave_pairs, width_for

__all__ = [
    "PairError",
    "PastChangeRow",
    "matched_runs",
    "measured_run_pair",
    "past_change_rows",
    "pipeweave_pairs",
    "predicted_ratios",
    "width_for",
    "with_memory_of",
]
