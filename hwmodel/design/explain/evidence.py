"""How firm a claim about a design is: how far it lies from chips that were measured."""

from collections.abc import Mapping
from dataclasses import dataclass

from hwmodel.catalog import ChipDesign
from hwmodel.silicon.design_tests import DESIGN_TESTS
from hwmodel.silicon.distance import LEAST, distance
from warehouse.contracts import EvidenceKind

MEASURED_CHIPS = ("a100-sxm-80", "h100-sxm", "h200-sxm", "b200-sxm", "l40s")
"""Chips whose kernels fitted the constants of timing (docs/sources.md: kernel_bars and the measured tables)."""
_NAMES = ("cores_count", "matrix_flop_per_clk", "l2_bytes", "hbm_bytes_per_s", "clock_hz")
EXTRAPOLATED = "extrapolated"
"""Between calibrated and assumed: by a calibrated model, where nobody measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceLine:
    """What a design's figures rest on."""

    kind: str
    """measured, calibrated, extrapolated or assumed."""
    nearest_chip: str
    nearest_distance: float
    """Sum of |log ratio| over the numbers that matter for kernels, to the nearest measured chip."""
    change_distance: float
    """The same from the baseline."""
    judged: tuple[float, float]
    """Distances of the pairs of chips on which intervals of ratios were calibrated."""
    is_downgraded: bool
    """Whether the change reaches farther than any pair on which intervals were judged, or was never judged."""
    reason: str
    """A key of the sentence: `built`, `near`, `inside`, `beyond`, `unjudged`."""


def evidence_line(baseline: ChipDesign, design: ChipDesign, measured: Mapping[str, ChipDesign]) -> EvidenceLine:
    """The evidence of a design's ratio to the baseline.

    Args:
        baseline: The incumbent.
        design: What is recommended.
        measured: Chips whose kernels were measured, by name.
    """
    nearest = min(measured, key=lambda name: _apart(measured[name], design))
    length, change = _apart(measured[nearest], design), _apart(baseline, design)
    judged = judged_range(measured)
    reason = _reason(length, change, judged, is_same=_is_same(measured[nearest], design))
    kind = {
        "built": EvidenceKind.MEASURED,
        "near": EvidenceKind.CALIBRATED,
        "inside": EXTRAPOLATED,
    }.get(reason, EvidenceKind.ASSUMED)
    return EvidenceLine(
        kind=str(kind),
        nearest_chip=nearest,
        nearest_distance=length,
        change_distance=change,
        judged=judged,
        is_downgraded=reason in {"beyond", "unjudged"},
        reason=reason,
    )


def judged_range(measured: Mapping[str, ChipDesign]) -> tuple[float, float]:
    """Least and largest distance of the pairs of measured chips whose speed-ups were predicted unseen."""
    pairs = {(test.before, test.after) for test in DESIGN_TESTS}
    lengths = [distance(measured[a], measured[b]) for a, b in pairs if a in measured and b in measured]
    return (min(lengths), max(lengths)) if lengths else (0.0, 0.0)


def _reason(length: float, change: float, judged: tuple[float, float], *, is_same: bool) -> str:
    if is_same:
        return "built"
    if change <= 0.0:
        return "unjudged"
    if change > judged[1] or length > judged[1]:
        return "beyond"
    return "near" if length <= LEAST else "inside"


def _apart(one: ChipDesign, other: ChipDesign) -> float:
    """Distance; 0 where none of the numbers that it counts differs."""
    differs = any(getattr(one, name) != getattr(other, name) for name in _NAMES)
    return distance(one, other) if differs else 0.0


def _is_same(one: ChipDesign, other: ChipDesign) -> bool:
    numbers = (*_NAMES, "link_bytes_per_s", "launch_latency_s", "hbm_stacks_count", "hbm_stack_bytes")
    return all(getattr(one, name) == getattr(other, name) for name in numbers)
