"""Step-cost tables of many designs for one LLM and deployment, compiled once from the chip model."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

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
from hwmodel.serving.replay import Scheduler
from hwmodel.serving.step_cost import StepCost
from hwmodel.timing import FIRST_CONSTANTS, HOST_STEP_S, TimingConstants, step_time_s, time_kernels

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

    def row(self, index: int) -> StepCost:
        """The tables of one design, as the replay loop takes them."""
        return StepCost(self.dense_ns[index], self.sampled_ns[index], self.decode_ns[index], self.prefill_ns[index])


def step_cost_tables(
    designs: DesignTable,
    llm: LlmSpec,
    deployment: Deployment,
    *,
    scheduler: Scheduler,
    constants: TimingConstants = FIRST_CONSTANTS,
) -> StepCostTables:
    """Compile the chip model into the four tables that the replay reads.

    A step's kernels fall into four groups by what their work follows: the step's tokens, the rows that emit a token,
    the decoding sequences and their context, the prompt chunk and the context before it.
    """
    tokens = _token_grid(scheduler)
    by_tokens = StepStates(
        prefill_tokens=np.zeros_like(tokens),
        prefill_context_tokens=np.zeros_like(tokens),
        decode_sequences=tokens,
        decode_kv_tokens=tokens * 32.0,
    )
    decode, prefill = _decode_states(scheduler), _prefill_states(scheduler)
    decode_only, prefill_only = _phase_kernels(llm, deployment)

    def group_ns(states: StepStates, names: Iterable[str], *, inside: bool, host_s: float = 0.0) -> np.ndarray:
        kernels = kernel_inventory(llm, deployment, states)
        chosen = select(kernels, _is_named(kernels, names) == inside)
        if len(chosen) == 0:
            return np.zeros((len(designs), len(states)))
        times = time_kernels(designs, chosen, constants)
        return step_time_s(times, chosen, len(states), host_s=host_s) * NS_PER_S

    dense = group_ns(by_tokens, SAMPLED_KERNELS | decode_only | prefill_only, inside=False, host_s=HOST_STEP_S)
    sampled = group_ns(by_tokens, SAMPLED_KERNELS, inside=True)
    grid_shape = (len(designs), -1, LAST_CONTEXT_LOG2 - FIRST_CONTEXT_LOG2 + 1)
    state_tokens = int(np.ceil(sequence_state_bytes(llm, deployment) / kv_bytes_per_token(llm, deployment)))
    return StepCostTables(
        dense_ns=_filled(tokens, dense, scheduler.max_batched_tokens + scheduler.max_sequences_count),
        sampled_ns=_filled(tokens, sampled, 2 * scheduler.max_sequences_count),
        decode_ns=group_ns(decode, decode_only, inside=True).reshape(grid_shape),
        prefill_ns=group_ns(prefill, prefill_only, inside=True).reshape(grid_shape),
        capacity_tokens=capacity_tokens(designs, llm, deployment),
        state_tokens=state_tokens,
    )


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


def _token_grid(scheduler: Scheduler) -> Float[np.ndarray, "tokens"]:
    most = scheduler.max_batched_tokens + scheduler.max_sequences_count
    octaves = 2.0 ** np.arange(0, np.ceil(np.log2(most)) + 1)
    return np.unique(np.concatenate([octaves, 1.5 * octaves[1:]]))


def _decode_states(scheduler: Scheduler) -> StepStates:
    octaves = np.arange(0, np.ceil(np.log2(scheduler.max_sequences_count)) + 1)
    sequences, each = _grid(octaves)
    nothing = np.zeros_like(sequences)
    return StepStates(
        prefill_tokens=nothing,
        prefill_context_tokens=nothing,
        decode_sequences=sequences,
        decode_kv_tokens=sequences * each,
    )


def _prefill_states(scheduler: Scheduler) -> StepStates:
    octaves = np.arange(0, np.ceil(np.log2(scheduler.max_batched_tokens)) + 1)
    chunk, before = _grid(octaves)
    nothing = np.zeros_like(chunk)
    return StepStates(
        prefill_tokens=chunk,
        prefill_context_tokens=before,
        decode_sequences=nothing,
        decode_kv_tokens=nothing,
    )


def _grid(octaves: Float[np.ndarray, "rows"]) -> tuple[Float[np.ndarray, "grid"], Float[np.ndarray, "grid"]]:
    context = np.arange(FIRST_CONTEXT_LOG2, LAST_CONTEXT_LOG2 + 1, dtype=np.float64)
    rows, columns = np.meshgrid(2.0**octaves, 2.0**context, indexing="ij")
    return rows.ravel(), columns.ravel()


def _filled(
    at: Float[np.ndarray, "grid"], values: Float[np.ndarray, "designs grid"], last: int
) -> Float[np.ndarray, "designs tokens"]:
    """Values between grid points by straight lines; entry 0, an empty step, costs what one row costs."""
    wanted = np.clip(np.arange(last + 1, dtype=np.float64), at[0], at[-1])
    high = np.clip(np.searchsorted(at, wanted), 1, at.size - 1)
    share = (wanted - at[high - 1]) / (at[high] - at[high - 1])
    return values[:, high - 1] * (1.0 - share) + values[:, high] * share
