"""Speculative decoding: the slower exact path, which looks at every decoding call in every step."""

from hwmodel.serving.speculative.replay import replay_speculating

__all__ = ["replay_speculating"]
