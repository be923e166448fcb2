"""Step-cost tables of many designs for one LLM and deployment, compiled once from the chip model."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from hwmodel.catalog.chip_design import DesignTable
from hwmodel.catalog.llm import Deployment, LlmSpec
from hwmodel.kernels import kv_bytes_per_token, sequence_state_bytes, weight_bytes_per_rank
from hwmodel.serving.grids import at_whole_numbers, context_grid, jumping_grid, pairs, smooth_grid
from hwmodel.serving.replay import Replica, Scheduler
from hwmodel.serving.step_cost import DECODE_CONTEXT_STEPS, PREFILL_CONTEXT_STEPS, StepCost
from hwmodel.serving.step_timer import KernelGroup, StepTimer, decode_states, prefill_states

USABLE_MEMORY_RATIO = 0.90
"""Share of HBM for weights and cache; the rest is activations, graphs and fragmentation. Published: vLLM's default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCostTables:
    """Tables of every design; see `StepCost` for the axes behind the first."""

    dense_ns: Float[np.ndarray, "designs tokens"]
    sampled_ns: Float[np.ndarray, "designs rows"]
    decode_ns: Float[np.ndarray, "designs sequences contexts"]
    prefill_ns: Float[np.ndarray, "designs chunks contexts"]
    capacity_tokens: Int[np.ndarray, "designs"]
    """KV tokens beside the weights; not positive where the weights do not fit."""
    state_tokens: int
    chips_count: int
    """Chips of one replica."""

    def cost(self, index: int) -> StepCost:
        """The tables of one design."""
        return StepCost(self.dense_ns[index], self.sampled_ns[index], self.decode_ns[index], self.prefill_ns[index])

    def replica(self, index: int) -> Replica:
        """A replica of one design.

        Raises:
            DoesNotFit: The weights leave no room for one sequence.
        """
        return Replica(
            cost=self.cost(index),
            capacity_tokens=int(self.capacity_tokens[index]),
            state_tokens=self.state_tokens,
            chips_count=self.chips_count,
        )


def step_cost_tables(timer: StepTimer, *, scheduler: Scheduler) -> StepCostTables:
    """Compile the chip model into the tables that the replay reads.

    Against the chip model itself steps of a replay are off by 0.03 to 0.1 % on average, one in twenty by more than
    0.3 % and none by more than 2 % (`tests/hwmodel/serving/test_table_errors.py`).
    """
    llm, deployment = timer.llm, timer.deployment
    most_tokens, most_sequences = scheduler.max_batched_tokens, scheduler.max_sequences_count
    tokens = token_grid(scheduler)
    by_tokens = decode_states(tokens, np.full_like(tokens, 32.0))
    dense, sampled = timer.groups_ns((KernelGroup.TOKENS, KernelGroup.ROWS), by_tokens)
    sequences, chunks = sequence_grid(scheduler), chunk_grid(scheduler)
    contexts, before = context_grid(DECODE_CONTEXT_STEPS), context_grid(PREFILL_CONTEXT_STEPS)
    decode = timer.group_ns(KernelGroup.DECODE, decode_states(*pairs(sequences, contexts)))
    prefill = timer.group_ns(KernelGroup.PREFILL, prefill_states(*pairs(chunks, before)))
    designs = len(timer.designs)
    return StepCostTables(
        dense_ns=at_whole_numbers(tokens, dense, most_tokens + most_sequences),
        sampled_ns=at_whole_numbers(tokens, sampled, 2 * most_sequences),
        decode_ns=at_whole_numbers(sequences, decode.reshape(designs, -1, contexts.size), most_sequences),
        prefill_ns=at_whole_numbers(chunks, prefill.reshape(designs, -1, before.size), most_tokens),
        capacity_tokens=capacity_tokens(timer.designs, llm, deployment),
        state_tokens=state_tokens(llm, deployment),
        chips_count=deployment.tp_count,
    )


def token_grid(scheduler: Scheduler) -> Float[np.ndarray, "tokens"]:
    """Tokens per step at which the tables are computed."""
    most = scheduler.max_batched_tokens + scheduler.max_sequences_count
    return jumping_grid(most, whole=64, jumps_per_octave=16)


def chunk_grid(scheduler: Scheduler) -> Float[np.ndarray, "chunks"]:
    """Prompt tokens per step at which attention is computed."""
    return jumping_grid(scheduler.max_batched_tokens, whole=16, jumps_per_octave=8)


def sequence_grid(scheduler: Scheduler) -> Float[np.ndarray, "sequences"]:
    """Decoding sequences at which attention is computed."""
    return smooth_grid(scheduler.max_sequences_count, points_per_octave=8)


def state_tokens(llm: LlmSpec, deployment: Deployment) -> int:
    """KV tokens that would take the memory of one sequence's fixed state."""
    return int(np.ceil(sequence_state_bytes(llm, deployment) / kv_bytes_per_token(llm, deployment)))


def capacity_tokens(designs: DesignTable, llm: LlmSpec, deployment: Deployment) -> Int[np.ndarray, "designs"]:
    """KV tokens that a replica holds beside the weights; 0 or less where the weights do not fit."""
    free_bytes = designs.hbm_bytes * USABLE_MEMORY_RATIO - weight_bytes_per_rank(llm, deployment)
    return np.floor(free_bytes / kv_bytes_per_token(llm, deployment)).astype(np.int64)
