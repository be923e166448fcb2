"""How far the answer can be trusted: other scenarios and values, risks, sources, models beside measurements."""

from pipelines.exploration.trust.chip_errors import chip_errors_frame
from pipelines.exploration.trust.evidence import evidence_frame
from pipelines.exploration.trust.explained import explained_view
from pipelines.exploration.trust.regret import Entrant, Judged, regret_frames
from pipelines.exploration.trust.risks import risk_frames
from pipelines.exploration.trust.robustness import TODAY, robustness_frame

__all__ = [
    "TODAY",
    "Entrant",
    "Judged",
    "chip_errors_frame",
    "evidence_frame",
    "explained_view",
    "regret_frames",
    "risk_frames",
    "robustness_frame",
]
