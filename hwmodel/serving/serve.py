"""Serves the calls of a trace on one replica, with the scheduler that a configuration names."""

import numpy as np

from hwmodel.serving.config import Preemption, SchedulerKind, ServingConfig
from hwmodel.serving.engine import EngineCalls, EngineRun, EngineSettings
from hwmodel.serving.errors import BadConfig, DoesNotFit
from hwmodel.serving.fast import replay_fast
from hwmodel.serving.profiles import ProfileCost, refuse_beyond
from hwmodel.serving.sarathi import serve_sarathi
from hwmodel.serving.speculative import replay_speculating
from hwmodel.serving.speculative.cost import SpeculativeCost
from hwmodel.serving.step_cost import StepCost
from hwmodel.serving.step_log import StepLog

OWN_BLOCKS = 1
"""Blocks that vLLM keeps for itself of those that it logs."""


def serve_calls(
    calls: EngineCalls,
    cost: ProfileCost | StepCost | SpeculativeCost,
    config: ServingConfig,
    *,
    state_blocks_count: int = 0,
    log: StepLog | None = None,
) -> EngineRun:
    """When each call is served.

    Args:
        calls: With requests on the trace's clock.
        cost: Times of steps, measured or by the chip model.
        config: Rule and bounds of the engine.
        state_blocks_count: Blocks that the fixed state of a sequence takes.
        log: Room for steps of a window; none are kept if left out.

    Raises:
        BadConfig: The scheduler cannot do what the configuration asks.
        BadSettings: Bounds that cannot be.
        DoesNotFit: A call needs more cache than there is.
        OutsideProfile: Calls or bounds are larger than what was measured.
    """
    for name in ("disaggregation", "host_kv"):
        if getattr(config, name) is not None:
            raise BadConfig(f"{name} must be left out on measured profiles: they do not tell what cache weighs")
    if not isinstance(cost, StepCost | SpeculativeCost):
        if config.speculation is not None:
            raise BadConfig(
                "speculation needs a chip of the catalogue (--chip and --model): no kernel profile has times of "
                "sequences that compute several tokens behind their context"
            )
        refuse_beyond(cost, calls, config)
    match config.scheduler:
        case SchedulerKind.SARATHI_VIDUR:
            _refuse_with_sarathi(state_blocks_count > 0, "an LLM whose sequences have a fixed state")
            _refuse_with_sarathi(log is not None, "a log of steps")
            return serve_sarathi(calls, cost, config)
        case SchedulerKind.VLLM_V1:
            return _serve_vllm(calls, cost, config, state_blocks_count, log)


def _refuse_with_sarathi(asked: bool, what: str) -> None:
    if asked:
        raise BadConfig(f"scheduler is 'sarathi_vidur' and must be vllm_v1 for {what}")


def _serve_vllm(
    calls: EngineCalls,
    cost: ProfileCost | StepCost | SpeculativeCost,
    config: ServingConfig,
    state_blocks_count: int,
    log: StepLog | None,
) -> EngineRun:
    settings = vllm_settings(calls, config, state_blocks_count=state_blocks_count)
    if config.speculation is not None:
        return replay_speculating(calls, settings, cost, config.speculation.law, log=log)
    return replay_fast(calls, settings, cost, log=log)


def vllm_settings(calls: EngineCalls, config: ServingConfig, *, state_blocks_count: int = 0) -> EngineSettings:
    """The engine of a configuration under vLLM v1.

    Raises:
        BadConfig: The scheduler cannot do what the configuration asks.
        BadSettings: Bounds that cannot be.
        DoesNotFit: A call needs more cache than there is.
    """
    if config.preemption is Preemption.NONE:
        raise BadConfig("preemption is 'none' and must be recompute: vLLM v1 reserves no room for answers")
    settings = EngineSettings(
        blocks_count=config.kv_blocks - OWN_BLOCKS,
        block_tokens=config.block_tokens,
        max_sequences_count=config.max_num_seqs,
        max_batched_tokens=config.max_num_batched_tokens,
        prefix_caching=config.prefix_caching,
        policy=config.policy,
        state_blocks_count=state_blocks_count,
    )
    needed = -(-(calls.input_tokens + calls.output_tokens - 1) // config.block_tokens) + state_blocks_count
    if needed.max() > settings.blocks_count:
        row = int(np.argmax(needed))
        raise DoesNotFit(
            f"call {row} needs {needed[row]} blocks; kv_blocks is {config.kv_blocks}, of which vLLM keeps {OWN_BLOCKS}"
        )
    return settings
