"""How a serving engine and its fleet are set up."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from hwmodel.serving.errors import BadSettings


class Policy(StrEnum):
    """Who is admitted first, and who gives way when room runs out."""

    FCFS = "fcfs"
    """First come first served; the newest running call gives way."""
    PRIORITY = "priority"
    """Lowest number first; the latest call of the highest number gives way."""


class Router(IntEnum):
    """Which replica a call goes to."""

    ROUND_ROBIN = 0
    LEAST_LOADED = 1
    """Fewest tokens of calls waiting or running; the first of equals."""
    PREFIX_AFFINE = 2
    """Where its prefix was served, unless that replica is much more loaded than the least loaded one."""


AFFINITY_SLACK_PERCENT = 130
"""A call follows its prefix unless that replica's load is above this much of the lightest load plus the call itself.
Assumed; vLLM's router and NVIDIA's Dynamo weigh the same two things."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """One replica's engine after vLLM v1, and the router before the replicas."""

    blocks_count: int
    """Blocks of KV cache that calls can use. vLLM keeps one of its blocks for itself."""
    block_tokens: int = 16
    max_sequences_count: int = 256
    max_batched_tokens: int = 2048
    """Token budget of a step."""
    prefix_caching: bool = True
    policy: Policy = Policy.FCFS
    reserve_full_prompt: bool = True
    """Admit a call only where its whole prompt fits, even if its first chunk is smaller."""
    state_blocks_count: int = 0
    """Blocks that the fixed state of each running sequence takes."""
    yielding_priority: int = 0
    """Calls of this priority or a higher number are interrupted where more urgent ones wait; 0 for no such calls."""
    router: Router = Router.PREFIX_AFFINE
    horizon_ns: int = 2**62
    """Nothing happens after this time; what is not over stays open."""

    def __post_init__(self) -> None:
        for name in ("blocks_count", "block_tokens", "max_sequences_count", "max_batched_tokens"):
            if getattr(self, name) < 1:
                raise BadSettings(f"{name} is {getattr(self, name)}; give at least 1")
        if self.max_batched_tokens < self.max_sequences_count:
            raise BadSettings(
                f"max_batched_tokens {self.max_batched_tokens} is below max_sequences_count "
                f"{self.max_sequences_count}: not every running call would get a token; raise the budget"
            )
        if self.yielding_priority > 0 and self.policy is not Policy.PRIORITY:
            raise BadSettings("yielding_priority needs the policy priority; set policy or leave yielding_priority at 0")
