"""From the labels of a measured run to what is simulated: the LLM in its number formats, laid out on a chip."""

from dataclasses import dataclass, replace
from functools import cache

from hwmodel.catalog import ChipDesign, Deployment, DesignTable, Dtype, LlmSpec, load_catalog, timed_design_of
from hwmodel.serving.formats import built_in_formats, cache_dtype
from hwmodel.serving.replay import Replica, Scheduler
from hwmodel.serving.step_timer import StepTimer
from hwmodel.serving.tables import step_cost_tables
from hwmodel.timing import HOST_STEP_S

PRECISIONS: dict[str, Dtype] = {"bf16": "bf16", "fp8": "fp8", "fp4": "fp4", "int4": "fp4"}
"""Storage class of the weights by the precision that a run names; int4 with group scales takes the bytes of fp4."""
ENGINE_TOKENS = 8192
"""Token budget of a step. Published: the default of vLLM, SGLang and TensorRT-LLM on chips of 80 GB and more."""
ENGINE_SEQUENCES = 512
"""Sequences that run at once at most; no measured run asks for more."""
ENGINE = Scheduler(max_sequences_count=ENGINE_SEQUENCES, max_batched_tokens=ENGINE_TOKENS, prefix_caching=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """One replica as a run describes it."""

    chip: str
    llm: LlmSpec
    deployment: Deployment


def in_precision(
    llm: LlmSpec,
    precision: str,
    chip: ChipDesign,
    *,
    tp_count: int,
    ep_count: int = 1,
    attention_dp_count: int = 1,
) -> Setup:
    """The LLM with its bulk stored in a precision, multiplied in it where the chip can and in bf16 where it cannot.

    Checkpoints of 4 bits keep attention, embeddings and head in bf16 where experts are the bulk (published: NVFP4 of
    DeepSeek-R1, MXFP4 of gpt-oss, int4 of Kimi-K2.5); those of 8 bits quantise attention too.
    """
    storage = PRECISIONS[precision]
    is_multiplied = storage in built_in_formats(chip) and precision != "int4"
    deployment = Deployment(
        tp_count=tp_count,
        ep_count=ep_count,
        attention_dp_count=attention_dp_count,
        activation_dtype=storage if is_multiplied else "bf16",
        attention_dtype="fp8" if storage == "fp8" and llm.moe is not None else "bf16",
        kv_dtype=cache_dtype(storage),
    )
    return Setup(chip=chip.name, llm=replace(llm, weight_dtype=storage), deployment=deployment)


@cache
def chip_named(chip_id: str, *, allow_estimates: bool = False) -> ChipDesign:
    """The chip as the numbers that times need."""
    return timed_design_of(load_catalog().chip(chip_id), allow_estimates=allow_estimates)


def timer_of(setup: Setup, chip: ChipDesign, *, host_step_s: float = HOST_STEP_S) -> StepTimer:
    """Times of the set-up's steps."""
    designs = DesignTable.of([chip])
    return StepTimer(designs=designs, llm=setup.llm, deployment=setup.deployment, host_step_s=host_step_s)


def replica_of(
    setup: Setup, chip: ChipDesign, scheduler: Scheduler = ENGINE, *, host_step_s: float = HOST_STEP_S
) -> Replica:
    """The replica of the set-up.

    Raises:
        DoesNotFit: The weights leave no room for one sequence.
    """
    return step_cost_tables(timer_of(setup, chip, host_step_s=host_step_s), scheduler=scheduler).replica(0)
