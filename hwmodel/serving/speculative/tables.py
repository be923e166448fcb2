"""Tables of steps with drafts of many designs, compiled once from the chip model."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from hwmodel.kernels import assemble, touched_bytes, weight_bytes_per_rank
from hwmodel.kernels.layout import rank_layout
from hwmodel.kernels.operators import gemm
from hwmodel.serving.demand import NS_PER_S
from hwmodel.serving.engine import Speculation
from hwmodel.serving.grids import at_whole_numbers, context_grid, pairs
from hwmodel.serving.replay import Replica, Scheduler
from hwmodel.serving.speculative.cost import PassTables, SpeculativeCost
from hwmodel.serving.speculative.drafter import Drafter, room_bytes
from hwmodel.serving.step_cost import DECODE_CONTEXT_STEPS, PREFILL_CONTEXT_STEPS
from hwmodel.serving.step_timer import KernelGroup, StepTimer, decode_states, prefill_states
from hwmodel.serving.tables import USABLE_MEMORY_RATIO, chunk_grid, sequence_grid, token_grid
from hwmodel.timing import step_time_s, time_kernels


@dataclass(frozen=True, slots=True, kw_only=True)
class PassesOfDesigns:
    """Tables of one kind of pass of every design; see `PassTables` for the axes behind the first."""

    dense_ns: Float[np.ndarray, "designs tokens"]
    sampled_ns: Float[np.ndarray, "designs rows"]
    decode_ns: Float[np.ndarray, "designs queries sequences contexts"]
    prefill_ns: Float[np.ndarray, "designs chunks contexts"]

    def of(self, index: int) -> PassTables:
        """Those of one design."""
        return PassTables(self.dense_ns[index], self.sampled_ns[index], self.decode_ns[index], self.prefill_ns[index])


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeculativeTables:
    """Tables of every design."""

    verify: PassesOfDesigns
    first: PassesOfDesigns
    later: PassesOfDesigns
    passes_count: int
    host_ns: float
    capacity_tokens: Int[np.ndarray, "designs"]
    """KV tokens beside the weights; not positive where the weights do not fit."""
    state_tokens: int
    chips_count: int
    """Chips of one replica."""

    def replica(self, index: int, law: Speculation) -> Replica:
        """A replica of one design whose calls have drafts.

        Raises:
            DoesNotFit: The weights leave no room for one sequence.
        """
        return Replica(
            cost=self.cost(index),
            capacity_tokens=int(self.capacity_tokens[index]),
            state_tokens=self.state_tokens,
            chips_count=self.chips_count,
            speculation=law,
        )

    def cost(self, index: int) -> SpeculativeCost:
        """The tables of one design."""
        passes = (self.verify.of(index), self.first.of(index), self.later.of(index))
        return SpeculativeCost(*passes, self.passes_count, self.host_ns)


def speculative_tables(
    timer: StepTimer, *, scheduler: Scheduler, drafts_count: int, drafter: Drafter | None, host_s: float = 0.0
) -> SpeculativeTables:
    """Compile the chip model into the tables of steps with drafts.

    Args:
        timer: Designs, LLM, deployment; its host time is that of the whole step.
        scheduler: Bounds of a step.
        drafts_count: Drafts per sequence and step.
        drafter: Model that drafts; none where no model does.
        host_s: Host time of drafting, per step.
    """
    llm, deployment, designs = timer.llm, timer.deployment, timer.designs
    weights, token, state = room_bytes(llm, deployment, drafter, drafts_count)
    capacity = np.floor((designs.hbm_bytes * USABLE_MEMORY_RATIO - weights) / token).astype(np.int64)
    verify = _passes(timer, scheduler, 1 + drafts_count)
    first = later = _nothing(len(designs))
    if drafter is not None:
        drafting = replace(timer, llm=drafter.llm, host_step_s=0.0)
        between = replace(drafting, besides_bytes=weight_bytes_per_rank(llm, deployment))
        most = scheduler.max_sequences_count
        first = _joined(between, drafter, _passes(between, scheduler, 1 + drafts_count))
        single = _passes(drafting, replace(scheduler, max_batched_tokens=most), 1)
        later = _joined(drafting, drafter, single)
    return SpeculativeTables(
        verify=verify,
        first=first,
        later=later,
        passes_count=0 if drafter is None else drafts_count,
        host_ns=host_s * NS_PER_S,
        capacity_tokens=capacity,
        state_tokens=int(np.ceil(state / token)),
        chips_count=deployment.tp_count,
    )


def _passes(timer: StepTimer, scheduler: Scheduler, queries_count: int) -> PassesOfDesigns:
    """Tables of passes whose decoding sequences compute 1 to `queries_count` tokens."""
    most_tokens, most_sequences = scheduler.max_batched_tokens, scheduler.max_sequences_count
    tokens = token_grid(scheduler)
    by_tokens = decode_states(tokens, np.full_like(tokens, 32.0))
    dense, sampled = timer.groups_ns((KernelGroup.TOKENS, KernelGroup.ROWS), by_tokens)
    contexts, before = context_grid(DECODE_CONTEXT_STEPS), context_grid(PREFILL_CONTEXT_STEPS)
    sequences, chunks = sequence_grid(scheduler), chunk_grid(scheduler)
    prefill = timer.group_ns(KernelGroup.PREFILL, prefill_states(*pairs(chunks, before)))
    designs = len(timer.designs)
    decode = [
        timer.group_ns(KernelGroup.DECODE, decode_states(*pairs(sequences, contexts), queries_count=queries))
        for queries in range(1, queries_count + 1)
    ]
    by_queries = [
        at_whole_numbers(sequences, taken.reshape(designs, -1, contexts.size), most_sequences) for taken in decode
    ]
    last_row = min(most_tokens, queries_count * most_sequences) + most_sequences
    return PassesOfDesigns(
        dense_ns=at_whole_numbers(tokens, dense, most_tokens + most_sequences),
        sampled_ns=at_whole_numbers(tokens, sampled, last_row),
        decode_ns=np.stack(by_queries, axis=1),
        prefill_ns=at_whole_numbers(chunks, prefill.reshape(designs, -1, before.size), most_tokens),
    )


def _joined(timer: StepTimer, drafter: Drafter, passes: PassesOfDesigns) -> PassesOfDesigns:
    """With the product that joins embedding and hidden state, where the drafter is a head."""
    if not drafter.is_head:
        return passes
    rows = np.arange(passes.dense_ns.shape[1], dtype=np.float64)
    return replace(passes, dense_ns=passes.dense_ns + _joint_ns(timer, rows))


def _joint_ns(timer: StepTimer, rows: Float[np.ndarray, "rows"]) -> Float[np.ndarray, "designs rows"]:
    llm, layout = timer.llm, rank_layout(timer.llm, timer.deployment)
    columns = gemm(
        "joint_gemm",
        m=rows / timer.deployment.attention_dp_count,
        n=llm.hidden,
        k=2.0 * llm.hidden,
        storage=layout.layer_dtype,
        math=layout.layer_math,
        prefill_share=0.0,
    )
    kernels = assemble(columns)
    touched = touched_bytes(columns, rows.size) + timer.besides_bytes
    taken = time_kernels(timer.designs, kernels, timer.constants, resident_bytes=touched[kernels.state])
    return step_time_s(taken, kernels, rows.size, host_s=0.0) * NS_PER_S


def _nothing(designs_count: int) -> PassesOfDesigns:
    """Tables of passes that never happen."""
    flat, grid = np.zeros((designs_count, 1)), np.zeros((designs_count, 1, 1))
    return PassesOfDesigns(dense_ns=flat, sampled_ns=flat, decode_ns=grid[:, None], prefill_ns=grid)
