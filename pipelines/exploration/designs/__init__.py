"""Designs and real chips side by side: short names, numbers as frames, fronts of tokens against interactivity."""

from pipelines.exploration.designs.interactivity import Chip, interactivity_frame
from pipelines.exploration.designs.named_chips import evaluate_named, refused_chips
from pipelines.exploration.designs.titles import design_changes, title_of

__all__ = [
    "Chip",
    "design_changes",
    "evaluate_named",
    "interactivity_frame",
    "refused_chips",
    "title_of",
]
