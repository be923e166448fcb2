"""Design space, closed-form and replayed evaluation, search, recommendation and its explanation."""

from hwmodel.design.bill_of import bill_of
from hwmodel.design.closed_form import closed_form_fleet, closed_form_fleets
from hwmodel.design.errors import BadSpace, DesignError, NoDeployment, NoDesign
from hwmodel.design.evaluate import Evaluation, PoolEvaluation, evaluate, evaluate_many, served_value
from hwmodel.design.patience import AbandonmentModel
from hwmodel.design.pool import Pool, PoolLoad, pool_load
from hwmodel.design.recommend import Recommendation, Seat, recommend
from hwmodel.design.scenario import FULL_CELL, SEARCH_CELL, CellSize, Scenario, guessing, scenario_of
from hwmodel.design.scenarios import Case, CaseKind, ForecastRow, cases_of, in_cell, scenario_under
from hwmodel.design.scoring import (
    SCORED_CURVES,
    ClosedForm,
    Refusal,
    Scored,
    closed_form_of,
    closed_form_value,
    closed_forms,
    score,
)
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
from hwmodel.design.service_change import SurfaceChange, service_change
from hwmodel.design.silicon import silicon_interval
from hwmodel.design.space import DesignSpace, Parameter, hbm_name, level_name, rated, space_around

__all__ = [
    "CURVE",
    "FULL_CELL",
    "OBJECTIVES",
    "SCORED_CURVES",
    "SEARCH_CELL",
    "TARGETS",
    "AbandonmentModel",
    "BadSpace",
    "Case",
    "CaseKind",
    "CellSize",
    "ClosedForm",
    "DesignError",
    "DesignSpace",
    "Evaluation",
    "EvaluationLog",
    "ForecastRow",
    "NoDeployment",
    "NoDesign",
    "Outcome",
    "Parameter",
    "Pool",
    "PoolEvaluation",
    "PoolLoad",
    "Progress",
    "Recommendation",
    "Refusal",
    "Scenario",
    "ScenarioModel",
    "Scored",
    "SearchPlan",
    "SearchResult",
    "Seat",
    "SurfaceChange",
    "bill_of",
    "cases_of",
    "closed_form_fleet",
    "closed_form_fleets",
    "closed_form_of",
    "closed_form_value",
    "closed_forms",
    "evaluate",
    "evaluate_many",
    "guessing",
    "hbm_name",
    "in_cell",
    "level_name",
    "pool_load",
    "rated",
    "recommend",
    "scenario_of",
    "scenario_under",
    "score",
    "search",
    "served_value",
    "service_change",
    "silicon_interval",
    "snapshot_of",
    "space_around",
]
