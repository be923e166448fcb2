"""The exact slower path: block by block and call by call, compiled."""

from hwmodel.serving.split.paged.replay import replay_hosted, replay_split

__all__ = ["replay_hosted", "replay_split"]
