"""Prefill and decode replicas told literally, with an object for every block."""

from hwmodel.serving.split.literal.replay import SplitReplay, replay_split_literally

__all__ = ["SplitReplay", "replay_split_literally"]
