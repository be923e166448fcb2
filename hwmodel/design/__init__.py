"""Design space, closed-form and replayed evaluation, search, recommendation and its explanation."""

from hwmodel.design.bill_of import bill_of
from hwmodel.design.closed_form import closed_form_fleet
from hwmodel.design.errors import BadSpace, DesignError, NoDeployment, NoDesign
from hwmodel.design.evaluate import Evaluation, PoolEvaluation, evaluate, evaluate_many, served_value
from hwmodel.design.patience import AbandonmentModel
from hwmodel.design.pool import Pool, PoolLoad, pool_load
from hwmodel.design.recommend import Attribution, Recommendation, recommend
from hwmodel.design.scenario import FULL_CELL, SEARCH_CELL, CellSize, Scenario, guessing, scenario_of
from hwmodel.design.scoring import ClosedForm, Scored, closed_form_of, closed_form_value, score
from hwmodel.design.search import (
    CURVE,
    OBJECTIVES,
    TARGETS,
    EvaluationLog,
    Outcome,
    Progress,
    ScenarioModel,
    SearchPlan,
    SearchResult,
    search,
    snapshot_of,
)
from hwmodel.design.silicon import silicon_interval
from hwmodel.design.space import DesignSpace, Parameter, hbm_name, rated, space_around

__all__ = [
    "CURVE",
    "FULL_CELL",
    "OBJECTIVES",
    "SEARCH_CELL",
    "TARGETS",
    "AbandonmentModel",
    "Attribution",
    "BadSpace",
    "CellSize",
    "ClosedForm",
    "DesignError",
    "DesignSpace",
    "Evaluation",
    "EvaluationLog",
    "NoDeployment",
    "NoDesign",
    "Outcome",
    "Parameter",
    "Pool",
    "PoolEvaluation",
    "PoolLoad",
    "Progress",
    "Recommendation",
    "Scenario",
    "ScenarioModel",
    "Scored",
    "SearchPlan",
    "SearchResult",
    "bill_of",
    "closed_form_fleet",
    "closed_form_of",
    "closed_form_value",
    "evaluate",
    "evaluate_many",
    "guessing",
    "hbm_name",
    "pool_load",
    "rated",
    "recommend",
    "scenario_of",
    "score",
    "search",
    "served_value",
    "silicon_interval",
    "snapshot_of",
    "space_around",
]
