"""A hardware lane: a supplier that a fleet can draw on, and what a chip model must express to judge it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One supplier lane and its parts (chip ids)."""

    id: str
    title: str
    is_contrast: bool
    """True for the lane that only spans corners of the search space."""
    best_fit: str
    must_express: tuple[str, ...]
    evidence: str
    parts: tuple[str, ...]
