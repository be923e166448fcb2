"""The fast scheduler: the literal one's times and counts, at a cost per step that does not grow with the batch."""

from hwmodel.serving.fast.replay import replay_fast

__all__ = ["replay_fast"]
