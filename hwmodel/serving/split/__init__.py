"""Prefill and decode on replicas of their own, with the KV cache travelling between them."""

from hwmodel.serving.split.literal import SplitReplay, replay_split_literally
from hwmodel.serving.split.paged import replay_split
from hwmodel.serving.split.run import HandOvers, SplitRun
from hwmodel.serving.split.settings import LinkTimes, SplitSettings, link_times

__all__ = [
    "HandOvers",
    "LinkTimes",
    "SplitReplay",
    "SplitRun",
    "SplitSettings",
    "link_times",
    "replay_split",
    "replay_split_literally",
]
