"""Step-cost tables of many designs for one LLM and deployment, compiled once from the chip model."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from enum import StrEnum

import numpy as np
from jaxtyping import Bool, Float, Int

from hwmodel.catalog.chip_design import DesignTable
from hwmodel.catalog.llm import Deployment, LlmSpec
from hwmodel.kernels import (
    KernelBatch,
    StepStates,
    kernel_inventory,
    kv_bytes_per_token,
    sequence_state_bytes,
    weight_bytes_per_rank,
)
from hwmodel.serving.replay import Replica, Scheduler
from hwmodel.serving.step_cost import StepCost
from hwmodel.timing import (
    FIRST_CONSTANTS,
    HOST_STEP_S,
    TimingConstants,
    resident_set_bytes,
    step_time_s,
    time_kernels,
)

NS_PER_S = 1e9
USABLE_MEMORY_RATIO = 0.90
"""Share of HBM for weights and cache; the rest is activations, graphs and fragmentation. Published: vLLM's default."""
SAMPLED_KERNELS = frozenset({"lm_head_gemm", "logits_all_gather", "sampling"})
"""Kernels whose work follows the rows that emit a token, not the rows of the step."""
FIRST_CONTEXT_LOG2 = 5
LAST_CONTEXT_LOG2 = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCostTables:
    """Tables of every design; see `StepCost` for the axes behind the first."""

    dense_ns: Float[np.ndarray, "designs tokens"]
    sampled_ns: Float[np.ndarray, "designs rows"]
    decode_ns: Float[np.ndarray, "designs sequences context"]
    prefill_ns: Float[np.ndarray, "designs chunk context"]
    capacity_tokens: Int[np.ndarray, "designs"]
    """KV tokens beside the weights; not positive where the weights do not fit."""
    state_tokens: int
    chips_count: int
    """Chips of one replica."""

    def replica(self, index: int) -> Replica:
        """A replica of one design.

        Raises:
            DoesNotFit: The weights leave no room for one sequence.
        """
        return Replica(
            cost=StepCost(self.dense_ns[index], self.sampled_ns[index], self.decode_ns[index], self.prefill_ns[index]),
            capacity_tokens=int(self.capacity_tokens[index]),
            state_tokens=self.state_tokens,
            chips_count=self.chips_count,
        )


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
class StepTimer:
    """Times groups of a step's kernels on many designs, for one LLM and deployment."""

    designs: DesignTable
    llm: LlmSpec
    deployment: Deployment
    constants: TimingConstants = FIRST_CONSTANTS
    host_step_s: float = HOST_STEP_S
    """Time per step that the chip waits for the host."""

    def group_ns(self, group: KernelGroup, states: StepStates) -> Float[np.ndarray, "designs states"]:
        """Nanoseconds of one group of kernels in each state."""
        kernels = kernel_inventory(self.llm, self.deployment, states)
        is_chosen = self.is_in(group, kernels)
        chosen = select(kernels, is_chosen)
        host_s = self.host_step_s if group is KernelGroup.TOKENS else 0.0
        if len(chosen) == 0:
            return np.full((len(self.designs), len(states)), host_s * NS_PER_S)
        whole_step = resident_set_bytes(kernels)[is_chosen]
        times = time_kernels(self.designs, chosen, self.constants, resident_bytes=whole_step)
        return step_time_s(times, chosen, len(states), host_s=host_s) * NS_PER_S

    def is_in(self, group: KernelGroup, kernels: KernelBatch) -> Bool[np.ndarray, "kernels"]:
        """Which kernels a group holds."""
        decode, prefill = _phase_kernels(self.llm, self.deployment)
        match group:
            case KernelGroup.ROWS:
                return _is_named(kernels, SAMPLED_KERNELS)
            case KernelGroup.DECODE:
                return _is_named(kernels, decode)
            case KernelGroup.PREFILL:
                return _is_named(kernels, prefill)
            case KernelGroup.TOKENS:
                return ~_is_named(kernels, SAMPLED_KERNELS | decode | prefill)


def decode_states(sequences: Float[np.ndarray, "states"], context: Float[np.ndarray, "states"]) -> StepStates:
    """Steps that only decode, `context` tokens behind each sequence."""
    nothing = np.zeros_like(sequences)
    return StepStates(
        prefill_tokens=nothing,
        prefill_context_tokens=nothing,
        decode_sequences=sequences,
        decode_kv_tokens=sequences * context,
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


def step_cost_tables(timer: StepTimer, *, scheduler: Scheduler) -> StepCostTables:
    """Compile the chip model into the tables that the replay reads."""
    llm, deployment = timer.llm, timer.deployment
    tokens = token_grid(scheduler)
    by_tokens = decode_states(tokens, np.full_like(tokens, 32.0))
    grid_shape = (len(timer.designs), -1, LAST_CONTEXT_LOG2 - FIRST_CONTEXT_LOG2 + 1)
    decode = timer.group_ns(KernelGroup.DECODE, decode_states(*_grid(scheduler.max_sequences_count)))
    prefill = timer.group_ns(KernelGroup.PREFILL, prefill_states(*_grid(scheduler.max_batched_tokens)))
    dense, sampled = (timer.group_ns(group, by_tokens) for group in (KernelGroup.TOKENS, KernelGroup.ROWS))
    return StepCostTables(
        dense_ns=_filled(tokens, dense, scheduler.max_batched_tokens + scheduler.max_sequences_count),
        sampled_ns=_filled(tokens, sampled, 2 * scheduler.max_sequences_count),
        decode_ns=decode.reshape(grid_shape),
        prefill_ns=prefill.reshape(grid_shape),
        capacity_tokens=capacity_tokens(timer.designs, llm, deployment),
        state_tokens=state_tokens(llm, deployment),
        chips_count=deployment.tp_count,
    )


def state_tokens(llm: LlmSpec, deployment: Deployment) -> int:
    """KV tokens that would take the memory of one sequence's fixed state."""
    return int(np.ceil(sequence_state_bytes(llm, deployment) / kv_bytes_per_token(llm, deployment)))


def capacity_tokens(designs: DesignTable, llm: LlmSpec, deployment: Deployment) -> Int[np.ndarray, "designs"]:
    """KV tokens that a replica holds beside the weights; 0 or less where the weights do not fit."""
    free_bytes = designs.hbm_bytes * USABLE_MEMORY_RATIO - weight_bytes_per_rank(llm, deployment)
    return np.floor(free_bytes / kv_bytes_per_token(llm, deployment)).astype(np.int64)


def select(kernels: KernelBatch, chosen: Bool[np.ndarray, "kernels"]) -> KernelBatch:
    """The kernels where `chosen`."""
    columns = {f.name: getattr(kernels, f.name)[chosen] for f in fields(kernels) if f.name != "names"}
    return replace(kernels, **columns)


def _phase_kernels(llm: LlmSpec, deployment: Deployment) -> tuple[frozenset[str], frozenset[str]]:
    """Names of kernels that only decoding runs, and of those that only prompts run."""
    prompt, answer = (np.array([64.0, 0.0]), np.array([0.0, 64.0]))
    both = StepStates(
        prefill_tokens=prompt,
        prefill_context_tokens=prompt,
        decode_sequences=answer,
        decode_kv_tokens=answer * 64.0,
    )
    kernels = kernel_inventory(llm, deployment, both)
    in_prompt, in_answer = (
        {kernels.names[code] for code in np.unique(kernels.name_code[kernels.state == state])} for state in (0, 1)
    )
    return frozenset(in_answer - in_prompt), frozenset(in_prompt - in_answer)


def _is_named(kernels: KernelBatch, names: Iterable[str]) -> Bool[np.ndarray, "kernels"]:
    return np.isin(kernels.name_code, [kernels.names.index(name) for name in names if name in kernels.names])


def token_grid(scheduler: Scheduler) -> Float[np.ndarray, "tokens"]:
    """Tokens per step at which the tables are computed: two points per octave."""
    most = scheduler.max_batched_tokens + scheduler.max_sequences_count
    octaves = 2.0 ** np.arange(0, np.ceil(np.log2(most)) + 1)
    return np.unique(np.concatenate([octaves, 1.5 * octaves[1:]]))


def _grid(most_rows: int) -> tuple[Float[np.ndarray, "grid"], Float[np.ndarray, "grid"]]:
    """All pairs of rows (1 to `most_rows`) and context, at powers of two."""
    rows_log2 = np.arange(0, np.ceil(np.log2(most_rows)) + 1)
    context_log2 = np.arange(FIRST_CONTEXT_LOG2, LAST_CONTEXT_LOG2 + 1, dtype=np.float64)
    rows, context = np.meshgrid(2.0**rows_log2, 2.0**context_log2, indexing="ij")
    return rows.ravel(), context.ravel()


def _filled(
    at: Float[np.ndarray, "grid"], values: Float[np.ndarray, "designs grid"], last: int
) -> Float[np.ndarray, "designs tokens"]:
    """Values between grid points by straight lines; entry 0, an empty step, costs what one row costs."""
    wanted = np.clip(np.arange(last + 1, dtype=np.float64), at[0], at[-1])
    high = np.clip(np.searchsorted(at, wanted), 1, at.size - 1)
    share = (wanted - at[high - 1]) / (at[high] - at[high - 1])
    return values[:, high - 1] * (1.0 - share) + values[:, high] * share
