"""Prefill and decode replicas, and replicas with a host tier of cache, told literally: an object for every block."""

from hwmodel.serving.split.literal.hosted import HostedReplay, replay_hosted_literally
from hwmodel.serving.split.literal.replay import SplitReplay, replay_split_literally

__all__ = ["HostedReplay", "SplitReplay", "replay_hosted_literally", "replay_split_literally"]
