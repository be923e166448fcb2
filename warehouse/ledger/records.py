"""The plain values that cross the border of the ledger; their fields are the columns of the table of the same name."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from warehouse.errors import BadRecord


class RunStatus(StrEnum):
    """How far a run has come."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Purpose(StrEnum):
    """Why a design was evaluated."""

    TRAINING = "training"
    BASELINE = "baseline"
    RECOMMENDED = "recommended"


class RecommendationStatus(StrEnum):
    """What became of a recommendation."""

    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


def design_id_of(parameters: Mapping[str, object]) -> str:
    """Content hash of a design: equal parameters have equal ids, in whatever order they are given.

    Raises:
        BadRecord: if a parameter is not plain finite JSON.
    """
    try:
        text = json.dumps(dict(parameters), sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise BadRecord(f"design parameters must be plain finite JSON values, not {dict(parameters)!r}") from error
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One pass of the loop: what it looked at and how it went. Times are UTC."""

    run_id: str
    dataset: str
    seed: int
    baseline_chip: str
    llm_mix: Mapping[str, float]
    """Share of the calls that each served LLM answers."""
    started_at: datetime
    finished_at: datetime | None = None
    status: RunStatus = RunStatus.RUNNING
    code_version: str
    snapshots: Mapping[str, int] = field(default_factory=dict)
    """Lake snapshot id by table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignPoint:
    """One chip design: its parameters, and their content hash as its id."""

    design_id: str
    parameters: Mapping[str, object]
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What the learned cost model said of a design before the design was evaluated; never changed afterwards.

    mean, low and high are in the unit that the metric's name says.
    """

    run_id: str
    design_id: str
    scenario: str
    metric: str
    mean: float
    low: float
    high: float
    model_version: str
    made_at: datetime

    def __post_init__(self) -> None:
        if not all(math.isfinite(bound) for bound in (self.mean, self.low, self.high)) or self.low > self.high:
            raise BadRecord(
                f"prediction of {self.metric} for {self.design_id} needs finite numbers with low <= high, "
                f"not mean {self.mean}, low {self.low}, high {self.high}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What the replay on the chip model said of a design, in the unit that the metric's name says."""

    run_id: str
    design_id: str
    scenario: str
    metric: str
    value: float
    purpose: Purpose
    evaluated_at: datetime

    def __post_init__(self) -> None:
        if not math.isfinite(self.value):
            raise BadRecord(f"evaluation of {self.metric} for {self.design_id} must be finite, not {self.value}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """One recommended design change; a gain ratio is the design's value over the baseline's, so 1.0 is no gain."""

    run_id: str
    design_id: str
    rank: int
    """From 1, the best first."""
    change: Mapping[str, object]
    """Changed parameters with their old and new values."""
    predicted_gain_ratio: float
    low: float
    high: float
    """Interval of the predicted gain ratio."""
    reevaluated_gain_ratio: float | None = None
    status: RecommendationStatus = RecommendationStatus.PROPOSED
    evidence: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One step in the history of a recommendation; number counts from 1."""

    run_id: str
    design_id: str
    number: int
    status: RecommendationStatus
    why: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion:
    """A trained model: its kind and what it was trained on."""

    version: str
    kind: str
    trained_on: Mapping[str, object]
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DataVersion:
    """The lake snapshot of a table that a run read or wrote; maintenance keeps it."""

    run_id: str
    table: str
    snapshot_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """A run's place in a chain of generations: which chip was in service, and how demand answered to it."""

    run_id: str
    number: int
    """From 1, the chain's first run."""
    previous_run_id: str | None
    """Run whose recommendation was accepted; None for the first."""
    design_id: str | None
    """Accepted design in service; None where it is a chip of the catalogue."""
    elasticity_ratio: float
    """Factor on the declared elasticities; 0 where demand does not answer."""
    moved: Mapping[str, object] = field(default_factory=dict)
    """By surface: price, latency and volume over those of the generation before; empty for the first."""
