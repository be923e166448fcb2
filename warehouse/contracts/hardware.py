"""Contracts of what the hardware model says: step bins, the bill of kernels, design evaluations."""

import dataframely as dy

from warehouse.contracts.vocabulary import SURFACES, BindingResource, KernelFamily, values_of


class StepBins(dy.Schema):
    """Replay steps counted by state: how often a replica of this LLM ran a step like this."""

    llm = dy.String(primary_key=True)
    bin_id = dy.Int64(primary_key=True, min=0)
    step_count = dy.Int64(min=1)
    busy_s = dy.Float64(min=0.0)
    prefill_tokens = dy.Float64(min=0.0)
    """Mean per step; so are the next three."""
    prefill_context_tokens = dy.Float64(min=0.0)
    """Tokens already in the cache in front of the prefill chunk."""
    decode_sequences = dy.Float64(min=0.0)
    decode_kv_tokens = dy.Float64(min=0.0)
    """Sum of context over the decoding sequences."""


class KernelHotspots(dy.Schema):
    """The bill: time, energy and dollars by LLM, kernel, binding resource and surface."""

    llm = dy.String(primary_key=True)
    kernel = dy.String(primary_key=True)
    family = dy.Enum(values_of(KernelFamily))
    binding_resource = dy.Enum(values_of(BindingResource), primary_key=True)
    surface = dy.Enum(SURFACES, primary_key=True)
    phase = dy.Enum(("prefill", "decode"), primary_key=True)
    """Whether the tokens that caused it were prompt or output tokens."""
    time_s = dy.Float64(min=0.0)
    """Replica-seconds of busy time."""
    energy_j = dy.Float64(min=0.0)
    cost_usd = dy.Float64(min=0.0)
    work_flop = dy.Float64(min=0.0)
    traffic_bytes = dy.Float64(min=0.0)
    bound_s = dy.Float64(min=0.0)
    """Roofline time of the same work: what is left above it is inefficiency or latency."""


class DesignEvaluations(dy.Schema):
    """One row per evaluated design and scenario."""

    design_id = dy.String(primary_key=True)
    scenario = dy.String(primary_key=True)
    chips_count = dy.Float64(min=0.0)
    value_usd_per_h = dy.Float64(min=0.0)
    value_per_usd_ratio = dy.Float64(min=0.0)
    value_usd_per_j = dy.Float64(min=0.0)
    value_usd_per_rack_h = dy.Float64(min=0.0)
    value_usd_per_latency_s = dy.Float64(min=0.0)
    late_ratio = dy.Float64(min=0.0, max=1.0)
    power_w = dy.Float64(min=0.0)
    tco_usd_per_h = dy.Float64(min=0.0)
    ttft_p95_s = dy.Float64(min=0.0)
    tpot_p95_s = dy.Float64(min=0.0)
