"""The search for designs: batches by expected gain, by ignorance and by the bill, until a further one buys nothing."""

from hwmodel.design.search.batch import Pick, Slot, expected_gain, first_batch, gain_ratio, next_batch, spread_out
from hwmodel.design.search.hypervolume import expected_improvement, front_of, hypervolume, pareto_order
from hwmodel.design.search.known import Candidates, Known, Learned, learned
from hwmodel.design.search.outcome import TARGETS, Outcome
from hwmodel.design.search.plan import CURVE, OBJECTIVES, EvaluationLog, Progress, SearchPlan
from hwmodel.design.search.relief import billed_shares, relieving
from hwmodel.design.search.result import ScenarioModel, SearchResult
from hwmodel.design.search.run import candidates_of, search
from hwmodel.design.search.snapshot import snapshot_of

__all__ = [
    "CURVE",
    "OBJECTIVES",
    "TARGETS",
    "Candidates",
    "EvaluationLog",
    "Known",
    "Learned",
    "Outcome",
    "Pick",
    "Progress",
    "ScenarioModel",
    "SearchPlan",
    "SearchResult",
    "Slot",
    "billed_shares",
    "candidates_of",
    "expected_gain",
    "expected_improvement",
    "first_batch",
    "front_of",
    "gain_ratio",
    "hypervolume",
    "learned",
    "next_batch",
    "pareto_order",
    "relieving",
    "search",
    "snapshot_of",
    "spread_out",
]
