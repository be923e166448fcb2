"""Times of groups of a step's kernels on many designs: what the tables of step times are computed from."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cache

import numpy as np
from jaxtyping import Float

from hwmodel.catalog.chip_design import DesignTable
from hwmodel.catalog.llm import Deployment, LlmSpec
from hwmodel.kernels import KernelBatch, StepStates, assemble, kernel_columns, touched_bytes
from hwmodel.serving.demand import NS_PER_S
from hwmodel.timing import FIRST_CONSTANTS, HOST_STEP_S, TimingConstants, step_time_s, time_kernels

SAMPLED_KERNELS = frozenset({"lm_head_gemm", "logits_all_gather", "sampling"})
"""Kernels whose work follows the rows that emit a token, not the rows of the step."""


class KernelGroup(StrEnum):
    """What the work of a step's kernels follows."""

    TOKENS = "tokens"
    """The tokens of the step: projections, experts, norms, collectives; and the host's share of the step."""
    ROWS = "rows"
    """The rows that emit a token."""
    DECODE = "decode"
    """The decoding sequences and their context."""
    PREFILL = "prefill"
    """The prompt chunk and the context before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupKernels:
    """The kernels of a group in some states."""

    batch: KernelBatch
    resident_bytes: Float[np.ndarray, "kernels"]
    """What the whole step of each kernel touches, other groups included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTimer:
    """Times groups of a step's kernels on many designs, for one LLM and deployment."""

    designs: DesignTable
    llm: LlmSpec
    deployment: Deployment
    constants: TimingConstants = FIRST_CONSTANTS
    host_step_s: float = HOST_STEP_S
    """Time per step that the chip waits for the host."""
    besides_bytes: float = 0.0
    """What else the chip reads between two such steps: it leaves less of their weights in L2."""

    def group_ns(self, group: KernelGroup, states: StepStates) -> Float[np.ndarray, "designs states"]:
        """Nanoseconds of one group of kernels in each state."""
        return self.groups_ns((group,), states)[0]

    def groups_ns(
        self, groups: tuple[KernelGroup, ...], states: StepStates
    ) -> tuple[Float[np.ndarray, "designs states"], ...]:
        """Nanoseconds of groups of kernels in each state, one array per group."""
        times = []
        for group, kernels in zip(groups, self.kernels_of(groups, states), strict=True):
            host_s = self.host_step_s if group is KernelGroup.TOKENS else 0.0
            taken = time_kernels(self.designs, kernels.batch, self.constants, resident_bytes=kernels.resident_bytes)
            times.append(step_time_s(taken, kernels.batch, len(states), host_s=host_s) * NS_PER_S)
        return tuple(times)

    def kernels_of(self, groups: tuple[KernelGroup, ...], states: StepStates) -> tuple[GroupKernels, ...]:
        """The kernels of groups in each state."""
        columns = kernel_columns(self.llm, self.deployment, states)
        touched = touched_bytes(columns, len(states)) + self.besides_bytes
        group_of = _groups(self.llm, self.deployment)
        batches = (
            assemble(column for column in columns if group_of.get(column.name, KernelGroup.TOKENS) is group)
            for group in groups
        )
        return tuple(GroupKernels(batch=batch, resident_bytes=touched[batch.state]) for batch in batches)


def decode_states(
    sequences: Float[np.ndarray, "states"], context: Float[np.ndarray, "states"], *, queries_count: int = 1
) -> StepStates:
    """Steps that only decode, `context` tokens behind each sequence, which computes `queries_count` tokens."""
    nothing = np.zeros_like(sequences)
    return StepStates(
        prefill_tokens=nothing,
        prefill_context_tokens=nothing,
        decode_sequences=sequences,
        decode_kv_tokens=sequences * context,
        decode_query_tokens=sequences * queries_count,
    )


def prefill_states(chunk: Float[np.ndarray, "states"], context: Float[np.ndarray, "states"]) -> StepStates:
    """Steps that only compute prompts, behind `context` cached tokens."""
    nothing = np.zeros_like(chunk)
    return StepStates(
        prefill_tokens=chunk,
        prefill_context_tokens=context,
        decode_sequences=nothing,
        decode_kv_tokens=nothing,
    )


@cache
def _groups(llm: LlmSpec, deployment: Deployment) -> dict[str, KernelGroup]:
    """Groups of kernels by name, those that follow the tokens left out."""
    prompt, answer = (np.array([64.0, 0.0]), np.array([0.0, 64.0]))
    both = StepStates(
        prefill_tokens=prompt,
        prefill_context_tokens=prompt,
        decode_sequences=answer,
        decode_kv_tokens=answer * 64.0,
    )
    columns = kernel_columns(llm, deployment, both)
    in_prompt, in_answer = ({column.name for column in columns if column.runs[state]} for state in (0, 1))
    groups = dict.fromkeys(in_prompt - in_answer, KernelGroup.PREFILL)
    groups |= dict.fromkeys(in_answer - in_prompt, KernelGroup.DECODE)
    return groups | dict.fromkeys(SAMPLED_KERNELS, KernelGroup.ROWS)
