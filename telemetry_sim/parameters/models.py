"""Which models a surface's sessions ask for."""

from dataclasses import dataclass

from telemetry_sim.laws import bounded

MODELS = ("large", "medium", "small")
"""What the simulated product calls its models, largest first; a model is coded as its place here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """Which models a surface's sessions ask for, and how often they change."""

    share_ratio: tuple[float, ...] = bounded(0.0, 1.0)
    """Shares of sessions by model, in the order of MODELS."""
    switch_ratio: float = bounded(0.0, 1.0)
    """Turns that open with a new choice of model."""
    subagent_small_ratio: float = bounded(0.0, 1.0)
    """Sub-agents that run on the smallest model."""
