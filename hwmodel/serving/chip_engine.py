"""The engine of a configuration on a chip of the catalogue: step costs, blocks of cache and blocks of fixed state."""

from dataclasses import dataclass

import numpy as np

from hwmodel.catalog.chip_design import ChipDesign, DesignTable
from hwmodel.catalog.llm import Deployment, LlmSpec
from hwmodel.serving.config import ServingConfig
from hwmodel.serving.engine import EngineCalls
from hwmodel.serving.errors import BadConfig, DoesNotFit
from hwmodel.serving.replay import Scheduler
from hwmodel.serving.speculation_config import MTP, SpeculationConfig
from hwmodel.serving.speculative.cost import SpeculativeCost
from hwmodel.serving.speculative.drafter import Drafter, head_of
from hwmodel.serving.speculative.tables import SpeculativeTables, speculative_tables
from hwmodel.serving.step_cost import StepCost
from hwmodel.serving.step_timer import StepTimer
from hwmodel.serving.tables import StepCostTables, step_cost_tables
from hwmodel.timing import HOST_STEP_S


@dataclass(frozen=True, slots=True, kw_only=True)
class ChipEngine:
    """One replica of an LLM on a chip."""

    cost: StepCost | SpeculativeCost
    kv_blocks: int
    """Blocks of cache that fit beside the weights; not positive where the weights do not fit."""
    state_blocks_count: int
    """Blocks that the fixed state of a sequence takes."""


def chip_engine(
    design: ChipDesign, llm: LlmSpec, config: ServingConfig, *, draft_llm: LlmSpec | None = None
) -> ChipEngine:
    """Compile the chip model into the step costs of one replica.

    Of the configuration count the ranks and what is divided over them, the bounds of a step, the tokens of a block, the
    host's overhead, which comes on top of the host time that the chip model has, and what is said of speculation.

    Args:
        design: The chip.
        llm: What it serves.
        config: Of the engine.
        draft_llm: The LLM that the configuration names to draft, where it names one.

    Raises:
        BadConfig: The configuration is of another LLM, or asks for what only measured profiles know.
        BadDeployment: The LLM cannot be divided as asked.
    """
    refuse_of_profiles(config, llm)
    timer = StepTimer(
        designs=DesignTable.of([design]),
        llm=llm,
        deployment=Deployment(
            tp_count=config.ranks,
            ep_count=config.ranks if config.expert_parallel else 1,
            attention_dp_count=config.attention_dp,
        ),
        host_step_s=HOST_STEP_S + config.host_overhead_s,
    )
    bounds = Scheduler(
        max_sequences_count=config.max_num_seqs,
        max_batched_tokens=config.max_num_batched_tokens,
        block_tokens=config.block_tokens,
        prefix_caching=config.prefix_caching,
    )
    tables: StepCostTables | SpeculativeTables = (
        step_cost_tables(timer, scheduler=bounds)
        if config.speculation is None
        else _with_drafts(timer, bounds, config.speculation, draft_llm)
    )
    return ChipEngine(
        cost=tables.cost(0),
        kv_blocks=int(tables.capacity_tokens[0]) // config.block_tokens,
        state_blocks_count=-(-tables.state_tokens // config.block_tokens),
    )


def _with_drafts(
    timer: StepTimer, bounds: Scheduler, said: SpeculationConfig, draft_llm: LlmSpec | None
) -> SpeculativeTables:
    return speculative_tables(
        timer,
        scheduler=bounds,
        drafts_count=said.tokens_count,
        drafter=_drafter(timer.llm, said, draft_llm),
        host_s=said.draft_host_s,
    )


def _drafter(llm: LlmSpec, said: SpeculationConfig, draft_llm: LlmSpec | None) -> Drafter | None:
    """What drafts; none where the host does.

    Raises:
        BadConfig: The LLM that drafts has other tokens.
    """
    if said.draft == MTP:
        return head_of(llm)
    if said.draft_llm is None:
        return None
    if draft_llm is None or draft_llm.id != said.draft_llm:
        raise BadConfig(f"speculation: draft is {said.draft!r}; give that LLM to the engine")
    if draft_llm.vocab != llm.vocab:
        raise BadConfig(
            f"speculation: draft {draft_llm.id} has {draft_llm.vocab} tokens in its vocabulary and {llm.id} has "
            f"{llm.vocab}; take one of the same family"
        )
    return Drafter(llm=draft_llm, is_head=False)


def refuse_of_profiles(config: ServingConfig, llm: LlmSpec) -> None:
    """Refuses a configuration that a chip model cannot follow.

    Raises:
        BadConfig: It is of another LLM, or asks for what only measured profiles know.
    """
    if config.layers != llm.layers_count:
        raise BadConfig(f"layers is {config.layers} and must be {llm.layers_count} for {llm.id}, or left out")
    if config.gqa_attention_factor != 1.0:
        raise BadConfig(
            f"gqa_attention_factor is {config.gqa_attention_factor} and must be 1 on a chip model: it corrects "
            "Vidur's profiles"
        )
    if config.expert_parallel and llm.moe is None:
        raise BadConfig(f"expert_parallel is True and must be false: {llm.id} has no experts")


def refuse_weights(engine: ChipEngine, design: ChipDesign, llm: LlmSpec, tp_count: int) -> None:
    """Refuses a chip without room for cache.

    Raises:
        DoesNotFit: The weights, or the state of one sequence, fill the memory.
    """
    if engine.kv_blocks <= engine.state_blocks_count + 1:
        raise DoesNotFit(
            f"{llm.id} at tp {tp_count} leaves no room for cache on {design.name}: beside the weights "
            f"{max(engine.kv_blocks, 0)} blocks fit; raise tp, or set kv_blocks to try it all the same"
        )


def refuse_long_calls(calls: EngineCalls, llm: LlmSpec) -> None:
    """Refuses calls that the LLM cannot hold.

    Raises:
        DoesNotFit: Prompt and answer are longer than the LLM's context.
    """
    whole = calls.input_tokens + calls.output_tokens
    if whole.max() > llm.context_tokens:
        row = int(np.argmax(whole))
        raise DoesNotFit(
            f"call {row} has {whole[row]} tokens; {llm.id} holds {llm.context_tokens}: leave the longest calls out"
        )
