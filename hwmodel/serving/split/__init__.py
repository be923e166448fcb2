"""KV cache that travels: from prefill replicas to decode replicas, and from host memory to the device."""

from hwmodel.serving.split.host import NO_HOST, HostLink, HostTier
from hwmodel.serving.split.literal import HostedReplay, SplitReplay, replay_hosted_literally, replay_split_literally
from hwmodel.serving.split.paged import replay_hosted, replay_split
from hwmodel.serving.split.run import HandOvers, HostedRun, SplitRun
from hwmodel.serving.split.settings import LinkTimes, SplitSettings, link_times

__all__ = [
    "NO_HOST",
    "HandOvers",
    "HostLink",
    "HostTier",
    "HostedReplay",
    "HostedRun",
    "LinkTimes",
    "SplitReplay",
    "SplitRun",
    "SplitSettings",
    "link_times",
    "replay_hosted",
    "replay_hosted_literally",
    "replay_split",
    "replay_split_literally",
]
