"""Prefill and decode replicas, or a replica with host memory for cache, as a configuration asks for, on a chip."""

from dataclasses import replace

import numpy as np

from hwmodel.catalog.chip_design import ChipDesign
from hwmodel.catalog.chip_spec import ChipSpec
from hwmodel.catalog.llm import Deployment, LlmSpec
from hwmodel.kernels import kv_bytes_per_token
from hwmodel.serving.chip_engine import ChipEngine, refuse_of_profiles
from hwmodel.serving.config import Preemption, ServingConfig
from hwmodel.serving.engine import EngineCalls
from hwmodel.serving.errors import BadConfig, DoesNotFit
from hwmodel.serving.replay import Scheduler
from hwmodel.serving.serve import vllm_settings
from hwmodel.serving.split.config import Disaggregation
from hwmodel.serving.split.host import HostLink
from hwmodel.serving.split.on_chip import ChipLink, SplitEngine, SplitLayout, scale_out_latency_s, split_engine
from hwmodel.serving.split.paged import replay_hosted
from hwmodel.serving.split.run import HostedRun
from hwmodel.timing import HOST_STEP_S


def configured_split(
    spec: ChipSpec, design: ChipDesign, llm: LlmSpec, config: ServingConfig, *, allow_estimates: bool = False
) -> SplitEngine:
    """Both pools as the block `disaggregation` lays them out; the rest of the configuration holds for both.

    Args:
        spec: The chip as published: its scale-out link, where the block does not say one.
        design: The chip as the numbers that times need.
        llm: The LLM.
        config: With the block; `tp` and `kv_blocks` are not read.
        allow_estimates: Let an estimate stand in for a scale-out link that nobody published.

    Raises:
        BadConfig: The configuration is of another LLM, or asks for what cannot be.
        DoesNotFit: The weights leave no room for one sequence on one side.
        MissingSpec: The chip's scale-out link is not public and the block does not say one.
    """
    refuse_of_profiles(config, llm)
    asked = config.disaggregation
    if asked is None:
        raise BadConfig("disaggregation must be set to lay out prefill and decode replicas")
    if config.preemption is Preemption.NONE:
        raise BadConfig("preemption is 'none' and must be recompute: vLLM v1 reserves no room for answers")
    engine = split_engine(
        design,
        llm,
        SplitLayout(
            prefill=Deployment(tp_count=asked.prefill_tp),
            decode=Deployment(tp_count=asked.decode_tp),
            prefill_count=asked.prefill_replicas,
            decode_count=asked.decode_replicas,
            link=_link_of(asked, spec, design, allow_estimates=allow_estimates),
            prefill_batched_tokens=asked.prefill_max_num_batched_tokens,
        ),
        Scheduler(
            max_sequences_count=config.max_num_seqs,
            max_batched_tokens=config.max_num_batched_tokens,
            block_tokens=config.block_tokens,
            prefix_caching=config.prefix_caching,
        ),
        host_step_s=HOST_STEP_S + config.host_overhead_s,
    )
    pools = engine.settings
    prefill, decode = (replace(pool, policy=config.policy) for pool in (pools.prefill, pools.decode))
    return replace(engine, settings=replace(pools, prefill=prefill, decode=decode))


def serve_hosted(calls: EngineCalls, engine: ChipEngine, llm: LlmSpec, config: ServingConfig) -> HostedRun:
    """When each call is served by a replica with the block `host_kv` of its configuration.

    Host memory holds each byte of cache once, whatever the ranks of the replica hold twice.

    Raises:
        BadCalls: A user may leave.
        BadConfig: There is no such block, or preemption is not by recompute.
        DoesNotFit: A call needs more cache than the device has.
    """
    if config.host_kv is None:
        raise BadConfig("host_kv must be set to serve with cache in host memory")
    asked = HostLink(
        capacity_bytes=config.host_kv.bytes,
        bytes_per_s=config.host_kv.bytes_per_s,
        latency_s=config.host_kv.latency_s,
    )
    kv_bytes = kv_bytes_per_token(llm, Deployment(tp_count=1))
    tier = asked.tier(kv_bytes_per_token=kv_bytes, block_tokens=config.block_tokens)
    settings = vllm_settings(calls, config, state_blocks_count=engine.state_blocks_count)
    return replay_hosted(calls, settings, engine.cost, tier)


def refuse_beyond_split(calls: EngineCalls, engine: SplitEngine) -> None:
    """Refuses calls that one of the pools can never hold.

    Raises:
        DoesNotFit: A prompt, or a prompt with its answer, needs more blocks than a replica has.
    """
    pools = engine.settings
    whole = calls.input_tokens + calls.output_tokens - 1
    for name, pool, tokens in (("prefill", pools.prefill, calls.input_tokens), ("decode", pools.decode, whole)):
        needed = -(-tokens // pool.block_tokens) + pool.state_blocks_count
        if needed.max() > pool.blocks_count:
            row = int(np.argmax(needed))
            raise DoesNotFit(
                f"call {row} needs {needed[row]} blocks on a {name} replica, which has {pool.blocks_count}; "
                f"raise {name}_tp, or leave the longest calls out"
            )


def _link_of(asked: Disaggregation, spec: ChipSpec, design: ChipDesign, *, allow_estimates: bool) -> ChipLink:
    rate, latency = asked.link_bytes_per_s, asked.link_latency_s
    return ChipLink(
        bytes_per_s=spec.require("scale_out_bytes_per_s", allow_estimates=allow_estimates) if rate is None else rate,
        latency_s=scale_out_latency_s(design) if latency is None else latency,
        overlap=asked.overlap,
    )
