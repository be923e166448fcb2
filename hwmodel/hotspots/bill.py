"""The bill: the steps of a replay broken into kernels, priced, and charged to the surface that caused them."""

from dataclasses import dataclass

import dataframely as dy
import numpy as np
import polars as pl
from jaxtyping import Float, Int

from hwmodel.catalog import ChipDesign, Deployment, DesignTable, LlmSpec
from hwmodel.hotspots.step_bins import StepBinTable
from hwmodel.kernels import KernelBatch, kernel_inventory
from hwmodel.physical import kernel_energy_j, static_power_w
from hwmodel.timing import HOST_STEP_S, KernelTiming, time_kernels
from warehouse.contracts import SURFACES, BindingResource, KernelFamily, KernelHotspots, values_of

FAMILIES = values_of(KernelFamily)
RESOURCES = values_of(BindingResource)
PHASES = ("prefill", "decode")
MEASURES = ("time_s", "energy_j", "cost_usd", "work_flop", "traffic_bytes", "bound_s")
HOST = "host_step"
"""The host's share of a step, billed as a kernel of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """Hotspots of one LLM on one design."""

    hotspots: dy.DataFrame[KernelHotspots]
    busy_s: float
    """Replica-seconds of the replay; the hotspots' time sums to it."""
    unscaled_ratio: float
    """Kernel time at the bins' mean steps over the replay's busy time: how far binning is off before it is scaled."""


def kernel_bill(
    bins: StepBinTable,
    *,
    design: ChipDesign,
    llm: LlmSpec,
    deployment: Deployment,
    usd_per_chip_h: float,
) -> Bill:
    """Break binned steps into kernels and charge them.

    The kernels of each bin's mean step are timed in closed form, times how often the step ran, scaled so that each bin
    sums to its busy time. Energy is the kernels' dynamic energy plus static power over their time, all ranks. Prompt
    work is charged by prompt tokens, decode attention by context, the rest of decoding by sequences.
    """
    table = DesignTable.of([design])
    kernels = kernel_inventory(llm, deployment, bins.states)
    timing = time_kernels(table, kernels)
    runs = kernels.repeat_count * bins.step_count[kernels.state]
    unscaled_s = np.append(timing.latency_s[0] * runs, bins.step_count * HOST_STEP_S)
    state = np.append(kernels.state, np.arange(bins.bin_id.size))
    per_bin_s = np.bincount(state, weights=unscaled_s, minlength=bins.bin_id.size)
    time_s = unscaled_s * (bins.busy_s / per_bin_s)[state]
    ranks = deployment.tp_count
    energy_j = _energy_j(table, kernels, timing) * runs * ranks
    static_j = float(static_power_w(table)[0]) * time_s * ranks
    host = np.zeros(bins.bin_id.size)
    measures = {
        "time_s": time_s,
        "energy_j": np.append(energy_j, host) + static_j,
        "cost_usd": time_s * ranks * usd_per_chip_h / 3600.0,
        "work_flop": np.append(kernels.work_flop * runs * ranks, host),
        "traffic_bytes": np.append(timing.hbm_bytes[0] * runs * ranks, host),
        "bound_s": np.append(timing.bound_s[0] * runs, host),
    }
    charged = _charged(bins, kernels, timing, state, measures)
    return Bill(
        hotspots=_frame(charged, kernels, llm),
        busy_s=float(bins.busy_s.sum()),
        unscaled_ratio=float(unscaled_s.sum() / bins.busy_s.sum()),
    )


def _energy_j(table: DesignTable, kernels: KernelBatch, timing: KernelTiming) -> Float[np.ndarray, "kernels"]:
    """Dynamic energy of one run of each kernel on one rank."""
    return kernel_energy_j(
        table,
        matrix_flop=kernels.work_flop,
        dtype_code=kernels.math_dtype_code,
        vector_flop=kernels.vector_flop,
        l2_bytes=kernels.weight_bytes + kernels.activation_bytes,
        hbm_bytes=timing.hbm_bytes[0],
        link_bytes=kernels.link_bytes,
    )[0]


def _charged(
    bins: StepBinTable,
    kernels: KernelBatch,
    timing: KernelTiming,
    state: Int[np.ndarray, "rows"],
    measures: dict[str, Float[np.ndarray, "rows"]],
) -> dict[str, Float[np.ndarray, "names resources phases surfaces"]]:
    """Sum each measure by kernel name, binding resource, phase and surface."""
    host_code = len(kernels.names)
    count = bins.bin_id.size
    name = np.append(kernels.name_code, np.full(count, host_code))
    resource = np.append(timing.binding_code[0], np.full(count, RESOURCES.index(BindingResource.LATENCY.value)))
    tokens = bins.states.prefill_tokens + bins.states.decode_sequences
    prefill = np.append(kernels.prefill_share, bins.states.prefill_tokens / np.maximum(tokens, 1.0))
    is_decode_attention = np.append(
        kernels.family_code == FAMILIES.index(KernelFamily.ATTENTION_DECODE.value), np.zeros(count, dtype=bool)
    )
    decode_share = np.where(is_decode_attention[:, None], bins.kv_share[state], bins.decode_share[state])
    shape = (host_code + 1, len(RESOURCES), len(PHASES), len(SURFACES))
    charged = {}
    for measure, values in measures.items():
        total = np.zeros(shape)
        for phase, share, by_surface in ((0, prefill, bins.prefill_share[state]), (1, 1.0 - prefill, decode_share)):
            np.add.at(total[:, :, phase], (name, resource), (values * share)[:, None] * by_surface)
        charged[measure] = total
    return charged


def _frame(
    charged: dict[str, Float[np.ndarray, "names resources phases surfaces"]], kernels: KernelBatch, llm: LlmSpec
) -> dy.DataFrame[KernelHotspots]:
    names = (*kernels.names, HOST)
    family = np.zeros(len(names), dtype=np.int64)
    family[kernels.name_code] = kernels.family_code
    family[-1] = FAMILIES.index(KernelFamily.HOST.value)
    at = np.argwhere(charged["time_s"] > 0.0)
    columns = {
        "llm": [llm.id] * len(at),
        "kernel": [names[i] for i in at[:, 0]],
        "family": [FAMILIES[family[i]] for i in at[:, 0]],
        "binding_resource": [RESOURCES[i] for i in at[:, 1]],
        "surface": [SURFACES[i] for i in at[:, 3]],
        "phase": [PHASES[i] for i in at[:, 2]],
        **{measure: values[tuple(at.T)] for measure, values in charged.items()},
    }
    return KernelHotspots.validate(pl.DataFrame(columns).sort("time_s", descending=True), cast=True)
