"""Prefill and decode on replicas of their own: how both pools and the link between them are set up."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hwmodel.serving.demand import NS_PER_S
from hwmodel.serving.engine import NEVER, EngineCalls, EngineSettings
from hwmodel.serving.errors import BadCalls, BadSettings


class LinkTimes(NamedTuple):
    """How long cache takes from a prefill replica to a decode replica.

    What a replica sends goes out in the order in which it can: one transfer at a time, whoever receives it.
    """

    ns_per_token: float
    """Of the prompt; 0 for a link without end."""
    ns_per_sequence: float
    """Of the fixed state of a sequence."""
    latency_ns: int
    """From the last byte sent to the decode replica knowing of it."""
    overlap: bool
    """Whether layers travel while the next ones are computed; else all of it after the prefill."""
    layers: int
    """Of the LLM; they are sent one by one where sending overlaps."""


def link_times(
    *,
    bytes_per_s: float,
    latency_s: float,
    kv_bytes_per_token: float,
    state_bytes: float = 0.0,
    overlap: bool = False,
    layers: int = 1,
) -> LinkTimes:
    """The link of a prefill replica, all its ranks together.

    Raises:
        BadSettings: A rate that is not above 0, a latency or a size below 0.
    """
    if not bytes_per_s > 0.0:
        raise BadSettings(f"the link carries {bytes_per_s} bytes/s and must carry more than 0")
    if not (latency_s >= 0.0 and kv_bytes_per_token >= 0.0 and state_bytes >= 0.0 and layers >= 1):
        raise BadSettings(
            f"latency {latency_s} s, {kv_bytes_per_token} bytes per token, {state_bytes} of state, {layers} layers: "
            "none can be negative, and an LLM has a layer"
        )
    return LinkTimes(
        ns_per_token=kv_bytes_per_token / bytes_per_s * NS_PER_S,
        ns_per_sequence=state_bytes / bytes_per_s * NS_PER_S,
        latency_ns=math.ceil(latency_s * NS_PER_S),
        overlap=overlap,
        layers=layers,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitSettings:
    """Prefill replicas, decode replicas and the links out of the former."""

    prefill: EngineSettings
    """Of each prefill replica; its router finds the prefill replica of a call, its horizon ends the replay."""
    decode: EngineSettings
    """Of each decode replica; its router finds the decode replica of a call."""
    prefill_count: int
    decode_count: int
    link: LinkTimes

    def __post_init__(self) -> None:
        for name in ("prefill_count", "decode_count"):
            if getattr(self, name) < 1:
                raise BadSettings(f"{name} is {getattr(self, name)}; give at least 1")
        for name in ("block_tokens", "prefix_caching", "policy"):
            one, other = getattr(self.prefill, name), getattr(self.decode, name)
            if one != other:
                raise BadSettings(f"{name} is {one} for prefill and {other} for decode; blocks travel: give one value")
        for name in ("prefill", "decode"):
            engine = getattr(self, name)
            if engine.yielding_priority > 0 or not engine.reserve_full_prompt:
                raise BadSettings(
                    f"{name} replicas have yielding_priority {engine.yielding_priority} and reserve_full_prompt "
                    f"{engine.reserve_full_prompt}; with a split they must be 0 and True"
                )


def refuse_leavers(calls: EngineCalls) -> None:
    """Refuses users who leave: what becomes of cache under way is told only for those who stay.

    Raises:
        BadCalls: A call has a patience or is stopped.
    """
    leaves = (calls.patience_ns < NEVER) | (calls.stop_ns < NEVER)
    if leaves.any():
        raise BadCalls(
            f"call {int(np.flatnonzero(leaves)[0])} may leave; while cache travels users must be patient: leave "
            "patience_ns and stop_ns at NEVER"
        )


def refuse_hosted(settings: EngineSettings) -> None:
    """Refuses what a host tier is not told for.

    Raises:
        BadSettings: Calls are interrupted for urgent ones, or admitted where only their first chunk fits.
    """
    if settings.yielding_priority > 0 or not settings.reserve_full_prompt:
        raise BadSettings(
            f"yielding_priority is {settings.yielding_priority} and reserve_full_prompt "
            f"{settings.reserve_full_prompt}; with cache in host memory they must be 0 and True"
        )
