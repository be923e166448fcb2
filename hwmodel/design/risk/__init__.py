"""What may go wrong with a recommendation: stress tests, the developer's view, and changes that history made."""

from hwmodel.design.risk.developers import DeveloperView, developer_view
from hwmodel.design.risk.first_change import TriedStep, first_change, single_steps
from hwmodel.design.risk.knob_groups import CURVE_OF, DOMINANT_RATIO, EXPECTED, KnobGroup
from hwmodel.design.risk.mismatch import architecture_mismatch
from hwmodel.design.risk.mixes import (
    GroupElasticity,
    Move,
    Verdict,
    chance_of,
    dominated,
    group_elasticity,
    leading,
    moves_around,
    verdict_of,
)
from hwmodel.design.risk.past_change import (
    PastChangeRow,
    matched_runs,
    past_change_rows,
    predicted_ratios,
    with_memory_of,
)
from hwmodel.design.risk.plants import PLANTS, Plant, plant_scenario
from hwmodel.design.risk.ratio_width import PairError, measured_run_pair, pipeweave_pairs, width_for
from hwmodel.design.risk.software import software_immature, stack_gaps
from hwmodel.design.risk.stress import (
    Judged,
    StressRow,
    claims_miss,
    cost_opacity,
    deployment_delay,
    flip_point,
    low_yield,
    missed,
)
from hwmodel.design.risk.supply import MixRow, best_mix, supplier_mix

__all__ = [
    "CURVE_OF",
    "DOMINANT_RATIO",
    "EXPECTED",
    "PLANTS",
    "DeveloperView",
    "GroupElasticity",
    "Judged",
    "KnobGroup",
    "MixRow",
    "Move",
    "PairError",
    "PastChangeRow",
    "Plant",
    "StressRow",
    "TriedStep",
    "Verdict",
    "architecture_mismatch",
    "best_mix",
    "chance_of",
    "claims_miss",
    "cost_opacity",
    "deployment_delay",
    "developer_view",
    "dominated",
    "first_change",
    "flip_point",
    "group_elasticity",
    "leading",
    "low_yield",
    "matched_runs",
    "measured_run_pair",
    "missed",
    "moves_around",
    "past_change_rows",
    "pipeweave_pairs",
    "plant_scenario",
    "predicted_ratios",
    "single_steps",
    "software_immature",
    "stack_gaps",
    "supplier_mix",
    "verdict_of",
    "width_for",
    "with_memory_of",
]
