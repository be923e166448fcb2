"""The contract of both schedulers: calls and settings in, times of every call out."""

from hwmodel.serving.engine.calls import NEVER, NONE, EngineCalls
from hwmodel.serving.engine.owners import Owners, owners_of
from hwmodel.serving.engine.settings import AFFINITY_SLACK_PERCENT, EngineSettings, Policy, Router
from hwmodel.serving.engine.speculation import DraftCounts, Speculation, accepted_drafts
from hwmodel.serving.engine.times import CallTimes, EngineRun, Outcome

__all__ = [
    "AFFINITY_SLACK_PERCENT",
    "NEVER",
    "NONE",
    "CallTimes",
    "DraftCounts",
    "EngineCalls",
    "EngineRun",
    "EngineSettings",
    "Outcome",
    "Owners",
    "Policy",
    "Router",
    "Speculation",
    "accepted_drafts",
    "owners_of",
]
