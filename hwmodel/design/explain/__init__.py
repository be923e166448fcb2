"""Why a design is recommended, and how firm: parts, elasticities, bills, regret, thresholds, software, evidence."""

from hwmodel.design.explain.bisection import first_crossing
from hwmodel.design.explain.corners import Replays, rated_designs
from hwmodel.design.explain.elasticity import Elasticity, elasticities
from hwmodel.design.explain.evidence import MEASURED_CHIPS, EvidenceLine, evidence_line
from hwmodel.design.explain.flips import Contest, Flip, Lever, confirmed, flips, levers_of
from hwmodel.design.explain.parts import Ablation, Part, ablation, shapley
from hwmodel.design.explain.regret import Regret, regret_of
from hwmodel.design.explain.shift import Justification, bill_by_dimension, justifications
from hwmodel.design.explain.software import SoftwareGain, SoftwareOption, software_gains
from hwmodel.design.explain.worth import Worth

__all__ = [
    "MEASURED_CHIPS",
    "Ablation",
    "Contest",
    "Elasticity",
    "EvidenceLine",
    "Flip",
    "Justification",
    "Lever",
    "Part",
    "Regret",
    "Replays",
    "SoftwareGain",
    "SoftwareOption",
    "Worth",
    "ablation",
    "bill_by_dimension",
    "confirmed",
    "elasticities",
    "evidence_line",
    "first_crossing",
    "flips",
    "justifications",
    "levers_of",
    "rated_designs",
    "regret_of",
    "shapley",
    "software_gains",
]
