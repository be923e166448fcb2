"""The engine of a configuration on a chip of the catalogue: step costs, blocks of cache and blocks of fixed state."""

from dataclasses import dataclass

import numpy as np

from hwmodel.catalog.chip_design import ChipDesign, DesignTable
from hwmodel.catalog.llm import Deployment, LlmSpec
from hwmodel.serving.config import ServingConfig
from hwmodel.serving.engine import EngineCalls
from hwmodel.serving.errors import BadConfig, DoesNotFit
from hwmodel.serving.replay import Scheduler
from hwmodel.serving.step_cost import StepCost
from hwmodel.serving.step_timer import StepTimer
from hwmodel.serving.tables import step_cost_tables
from hwmodel.timing import HOST_STEP_S


@dataclass(frozen=True, slots=True, kw_only=True)
class ChipEngine:
    """One replica of an LLM on a chip."""

    cost: StepCost
    kv_blocks: int
    """Blocks of cache that fit beside the weights; not positive where the weights do not fit."""
    state_blocks_count: int
    """Blocks that the fixed state of a sequence takes."""


def chip_engine(design: ChipDesign, llm: LlmSpec, config: ServingConfig) -> ChipEngine:
    """Compile the chip model into the step costs of one replica.

    Of the configuration count the ranks and what is divided over them, the bounds of a step, the tokens of a block and
    the host's overhead, which comes on top of the host time that the chip model has.

    Raises:
        BadConfig: The configuration is of another LLM, or asks for what only measured profiles know.
        BadDeployment: The LLM cannot be divided as asked.
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
    tables = step_cost_tables(timer, scheduler=bounds)
    return ChipEngine(
        cost=tables.cost(0),
        kv_blocks=int(tables.capacity_tokens[0]) // config.block_tokens,
        state_blocks_count=-(-tables.state_tokens // config.block_tokens),
    )


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
