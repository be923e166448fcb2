"""What a search keeps of an evaluation: numbers by name, small enough for a ledger."""

from collections.abc import Mapping
from dataclasses import dataclass

from hwmodel.catalog import ChipDesign
from hwmodel.design.evaluate import Evaluation

TARGETS = (
    "value_per_usd_ratio",
    "value_usd_per_j",
    "value_usd_per_rack_h",
    "value_usd_per_latency_s",
    "chips_count",
    "ttft_p95_s",
    "tpot_p95_s",
    "attainment_ratio",
)
"""What the cost model predicts: four curves, the fleet, tails of the waits, and the share of calls inside limits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A design on a scenario, by replay."""

    design: ChipDesign
    scenario: str
    numbers: Mapping[str, float] | None
    """By target; None where no fleet keeps the promises."""

    @classmethod
    def of(cls, design: ChipDesign, scenario: str, found: Evaluation | None) -> "Outcome":
        """The numbers of an evaluation."""
        return cls(design=design, scenario=scenario, numbers=None if found is None else numbers_of(found))

    @property
    def curves(self) -> Mapping[str, float]:
        """The numbers; empty where no fleet keeps the promises."""
        return self.numbers or {}


def numbers_of(found: Evaluation) -> dict[str, float]:
    """Every target of an evaluation."""
    return found.curves | {
        "chips_count": found.chips_needed,
        "ttft_p95_s": found.percentile("ttft_s", 95.0),
        "tpot_p95_s": found.percentile("tpot_s", 95.0),
        "attainment_ratio": 1.0 - found.late_ratio,
    }
