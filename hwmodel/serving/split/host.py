"""A tier of KV cache in host memory: its size and the link to it, told in blocks and nanoseconds."""

import math
from dataclasses import dataclass
from typing import NamedTuple

from numba import njit

from hwmodel.serving.demand import NS_PER_S
from hwmodel.serving.errors import BadSettings


class HostTier(NamedTuple):
    """Host memory of one replica."""

    blocks_count: int
    """Blocks it holds; 0 for none."""
    ns_per_block: float
    """Of loading one; loads of a replica go one after the other."""
    latency_ns: int
    """From the last byte loaded to the call being ready."""


NO_HOST = HostTier(0, 0.0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostLink:
    """Host memory for cache of one replica, all its ranks together."""

    capacity_bytes: float
    bytes_per_s: float
    """From host to chips."""
    latency_s: float

    def __post_init__(self) -> None:
        if not (self.capacity_bytes >= 0.0 and self.bytes_per_s > 0.0 and self.latency_s >= 0.0):
            raise BadSettings(
                f"host cache of {self.capacity_bytes} bytes at {self.bytes_per_s} bytes/s and {self.latency_s} s: the "
                "rate must be above 0, the others 0 or more"
            )

    def tier(self, *, kv_bytes_per_token: float, block_tokens: int) -> HostTier:
        """The same in blocks."""
        block_bytes = kv_bytes_per_token * block_tokens
        return HostTier(
            blocks_count=int(self.capacity_bytes // block_bytes),
            ns_per_block=block_bytes / self.bytes_per_s * NS_PER_S,
            latency_ns=math.ceil(self.latency_s * NS_PER_S),
        )


@njit(nogil=True, cache=True)
def loaded_after(host: HostTier, free_ns: int, now: int, blocks: int) -> int:
    """End of a load that is asked for at `now`, on a link that others take until `free_ns`."""
    return max(free_ns, now) + math.ceil(blocks * host.ns_per_block)
