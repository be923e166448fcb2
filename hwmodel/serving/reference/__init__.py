"""The literal scheduler: vLLM v1's step rule with an object for every block, slow and easy to check."""

from hwmodel.serving.reference.blocks import BlockPool
from hwmodel.serving.reference.replay import Replay, replay_literally
from hwmodel.serving.reference.scheduler import Scheduler

__all__ = ["BlockPool", "Replay", "Scheduler", "replay_literally"]
