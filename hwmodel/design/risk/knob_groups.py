"""Which parameters of the chip make up a knob group, and which group each product surface is said to ask for."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from hwmodel.design.search import OBJECTIVES
from warehouse.contracts import Surface


class KnobGroup(StrEnum):
    """Knobs that a product signal names together."""

    MEMORY = "memory"
    LATENCY = "latency"
    BALANCE = "compute/bandwidth balance"
    THROUGHPUT = "throughput, isolation, headroom"
    WATT = "performance per watt"
    MOVEMENT = "scheduling and state movement"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One parameter in one group, and why it is there."""

    group: KnobGroup
    parameter: str
    why: str


def _members(group: KnobGroup, reasons: Mapping[str, str]) -> tuple[Member, ...]:
    return tuple(Member(group=group, parameter=name, why=why) for name, why in reasons.items())


MEMBERS: tuple[Member, ...] = (
    *_members(
        KnobGroup.MEMORY,
        {
            "hbm_stacks_count": "each stack holds contexts and reads them",
            "hbm_generation": "bytes and rate of a stack",
            "hbm_speed_ratio": "rate of a stack",
            "hbm_extra_dies_count": "bytes of a stack",
        },
    ),
    *_members(
        KnobGroup.LATENCY,
        {
            "launch_latency_s": "what a kernel waits before it works",
            "collective_latency_s": "what a step over several chips waits for each exchange",
        },
    ),
    *_members(
        KnobGroup.BALANCE,
        {
            "cores_count": "the compute side of the balance as a whole",
            "matrix_flop_per_clk": "work beside what memory brings",
            "fp8_rate_ratio": "as the matrix rate, for the format most weights are in",
            "vector_flop_per_clk": "the part of the work that is no product",
            "exponent_per_clk": "as the vector rate, for softmax",
            "smem_bytes": "how often a tile is read again",
            "l2_bytes": "what memory need not bring",
            "l2_rate_ratio": "how fast cores are fed",
            "overlap_exponent": "whether loads and products go on together",
        },
    ),
    *_members(
        KnobGroup.THROUGHPUT,
        {
            "dies_count": "a package that serves twice the calls",
            "cores_count": "also here: a burst of prompts is work that every core shares",
            "hbm_stacks_count": "also here: room for the calls that arrive together, and the rate to read them",
        },
    ),
    *_members(
        KnobGroup.WATT,
        {
            "clock_hz": "voltage follows it, so it buys or sells joules; everything on the die runs with it",
            "node": "energy of an operation",
        },
    ),
    *_members(
        KnobGroup.MOVEMENT,
        {
            "link_bytes_per_s": "state and activations that leave the chip",
            "fabric": "which chips reach which; has no ratio, so no elasticity",
            "collective_latency_s": "also here: chips that share a step meet at each exchange",
            "hbm_extra_dies_count": "also here: state that stays in memory is not moved or computed again",
        },
    ),
)
"""Written before a mix was first run. A parameter stands in two groups only where its reason says `also here`."""

OUTSIDE: Mapping[str, str] = MappingProxyType(
    {"fp4_rate_ratio": "may change what the LLM answers: no part of a default search"}
)
"""Parameters of the space in no group, and why."""

EXPECTED: Mapping[Surface, KnobGroup] = MappingProxyType(
    {
        Surface.LONG_CONTEXT_CHAT: KnobGroup.MEMORY,
        Surface.CODEX_LOOP: KnobGroup.LATENCY,
        Surface.MULTIMODAL: KnobGroup.BALANCE,
        Surface.API_BURST: KnobGroup.THROUGHPUT,
        Surface.ALWAYS_ON_ASSISTANT: KnobGroup.WATT,
        Surface.AUTONOMOUS_WORKFLOW: KnobGroup.MOVEMENT,
    }
)
"""The product-signal table. Long-context agents are the surface `long_context_chat`."""

USD, JOULE = OBJECTIVES
CURVE_OF: Mapping[KnobGroup, str] = MappingProxyType(dict.fromkeys(KnobGroup, USD) | {KnobGroup.WATT: JOULE})
"""What a mix is judged by, from the group that is expected of it: all groups of one mix by the same curve, since gains
per dollar and per joule cannot be ranked against each other."""
TAKES_LESS = frozenset({KnobGroup.WATT})
"""Groups of which a lower value counts too: joules are saved by a lower clock. Elsewhere a step counts where it adds:
a part that pays by being smaller is in excess, which is not what a signal asks for."""
DOMINANT_RATIO = 0.7
"""Share of the offered value that a mix's surface has; the others share the rest as in the default mix. Assumed."""


def parameters_in(group: KnobGroup) -> frozenset[str]:
    """Names of a group's parameters."""
    return frozenset(member.parameter for member in MEMBERS if member.group is group)


def groups_of(parameter: str) -> tuple[KnobGroup, ...]:
    """Groups that a parameter is in."""
    return tuple(member.group for member in MEMBERS if member.parameter == parameter)
