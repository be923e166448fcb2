"""Jalapeño beside GB200 and GB300 on the published 8k/1k points: ours as ranges, since some of it is not public."""

from dataclasses import dataclass, replace

import numpy as np

from hwmodel.catalog import ChipDesign, LlmSpec, load_catalog
from hwmodel.kernels import kernel_inventory
from hwmodel.serving.accuracy.best_load import Load, best_load
from hwmodel.serving.accuracy.deployed import chip_named, in_precision, timer_of
from hwmodel.serving.step_timer import decode_states
from hwmodel.timing import HOST_STEP_S, step_time_s, time_kernels
from warehouse.contracts.vocabulary import BindingResource

JALAPENO = "jalapeno"
SPREAD = 2.0
"""Factor by which an unpublished number is taken better and worse. Assumed."""
LOAD = Load(input_tokens=8192, output_tokens=1024)
WIDTHS = (1, 2, 4, 8, 16, 32, 64)
"""Tensor-parallel widths that the least time per token is searched over; all inside one fabric of both racks."""
SPECULATED_TOKENS = 3.0
"""Most tokens per step under speculation, which the published GB200 and GB300 used and ours do not. Assumed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A published comparison of Jalapeño with another chip."""

    llm: str
    other: str
    per_kw: tuple[float, float]
    """Mixed tokens per second and kW of TDP: Jalapeño, the other."""
    least_tpot_ms: tuple[float, float]


COMPARISONS = (
    Comparison(llm="gpt-oss-120b", other="gb200-nvl72", per_kw=(85_448, 44_960), least_tpot_ms=(0.69, 1.87)),
    Comparison(llm="deepseek-r1", other="gb300-nvl72", per_kw=(19_641, 11_781), least_tpot_ms=(1.43, 5.90)),
)
"""The vendor's first results of 25 August 2026; single tokens on Jalapeño, speculation on the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstResultRow:
    """A published number and our range."""

    case: str
    chip: str
    model: str
    what: str
    published: float
    low: float
    middle: float
    high: float
    is_inside: bool
    explained_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeastStep:
    """The shortest decode step of one sequence."""

    step_s: float
    tp_count: int
    binding: str
    """Shares of the kernels' time by what binds them, largest first."""


def first_result_rows() -> list[FirstResultRow]:
    """For each comparison: tokens per second and kW of both, their ratio, and the least time between tokens of both."""
    return [row for comparison in COMPARISONS for row in _rows(comparison)]


def variants(chip_id: str) -> tuple[ChipDesign, ChipDesign, ChipDesign]:
    """The chip with what nobody published worse, as estimated, and better."""
    chip = chip_named(chip_id, allow_estimates=True)
    if chip_id != JALAPENO:
        return chip, chip, chip
    return _shifted(chip, 1.0 / SPREAD), chip, _shifted(chip, SPREAD)


def least_step(llm: LlmSpec, chip: ChipDesign, *, host_step_s: float) -> LeastStep:
    """The shortest step over tensor-parallel widths, one sequence in the middle of its answer."""
    context = np.array([LOAD.input_tokens + LOAD.output_tokens / 2.0])
    state = decode_states(np.ones(1), context)
    found: list[LeastStep] = []
    for tp_count in WIDTHS:
        if tp_count > chip.link_world_count:
            break
        timer = timer_of(in_precision(llm, "fp4", chip, tp_count=tp_count), chip)
        kernels = kernel_inventory(timer.llm, timer.deployment, state)
        timing = time_kernels(timer.designs, kernels, timer.constants)
        step_s = float(step_time_s(timing, kernels, 1, host_s=host_step_s)[0, 0])
        spent = np.bincount(timing.binding_code[0], weights=timing.latency_s[0] * kernels.repeat_count)
        found.append(LeastStep(step_s=step_s, tp_count=tp_count, binding=_shares(spent)))
    return min(found, key=lambda one: one.step_s)


def _shifted(chip: ChipDesign, factor: float) -> ChipDesign:
    """Unpublished rates times a factor, unpublished latencies over it; narrow formats keep their published peak."""
    return replace(
        chip,
        matrix_flop_per_clk=chip.matrix_flop_per_clk * factor,
        fp4_rate_ratio=chip.fp4_rate_ratio / factor,
        vector_flop_per_clk=chip.vector_flop_per_clk * factor,
        exponent_per_clk=chip.exponent_per_clk * factor,
        l2_bytes_per_clk=chip.l2_bytes_per_clk * factor,
        collective_latency_s=chip.collective_latency_s / factor,
        launch_latency_s=chip.launch_latency_s / factor,
    )


def _rows(comparison: Comparison) -> list[FirstResultRow]:
    llm = load_catalog().llm(comparison.llm)
    per_kw = {chip: _per_kw(llm, chip) for chip in (JALAPENO, comparison.other)}
    ratio = [ours / other for ours, other in zip(per_kw[JALAPENO], per_kw[comparison.other], strict=True)]
    why = f"no speculation in either of ours; the published {comparison.other} had it"
    ours, theirs = comparison.per_kw
    what = "mixed tokens/s per kW"
    label = f"{JALAPENO} over {comparison.other}"
    rows = [
        _row(comparison, JALAPENO, what, ours, per_kw[JALAPENO], "unpublished rates and latencies halved and doubled"),
        _row(comparison, comparison.other, what, theirs, per_kw[comparison.other], why),
        _row(comparison, label, f"ratio of {what}", ours / theirs, ratio, why),
    ]
    for chip, value in zip((JALAPENO, comparison.other), comparison.least_tpot_ms, strict=True):
        rows.append(_tpot_row(comparison, llm, chip, value))
    return rows


def _per_kw(llm: LlmSpec, chip_id: str) -> list[float]:
    """Worse, middle, better; the host in the way, as assumed elsewhere, and not at all."""
    hosts = (HOST_STEP_S, HOST_STEP_S, 0.0)
    mixed = (LOAD.input_tokens + LOAD.output_tokens) / LOAD.output_tokens
    found = []
    for chip, host_step_s in zip(variants(chip_id), hosts, strict=True):
        best = best_load(llm, chip, LOAD, precision="fp4", host_step_s=host_step_s)
        found.append(0.0 if best is None else best.output_tokens_per_s * mixed / (chip.tdp_w / 1e3))
    return found


def _tpot_row(comparison: Comparison, llm: LlmSpec, chip_id: str, value_ms: float) -> FirstResultRow:
    worse, middle, better = variants(chip_id)
    slow = least_step(llm, worse, host_step_s=HOST_STEP_S)
    usual = least_step(llm, middle, host_step_s=HOST_STEP_S if chip_id != JALAPENO else 0.0)
    fast = least_step(llm, better, host_step_s=0.0)
    tokens = 1.0 if chip_id == JALAPENO else SPECULATED_TOKENS
    host = "no host in the way" if chip_id == JALAPENO else f"{HOST_STEP_S * 1e3:g} ms of host"
    speculation = "" if tokens == 1.0 else f"; low end: no host, {tokens:g} tokens a step by speculation"
    clocks = "; clocks per kernel are those of NVIDIA's, not of one kernel per model" if chip_id == JALAPENO else ""
    why = f"at tp {usual.tp_count}, {host}; kernel time bound by {usual.binding}{clocks}{speculation}"
    values = [1e3 * slow.step_s, 1e3 * usual.step_s, 1e3 * fast.step_s / tokens]
    return _row(comparison, chip_id, "least time between tokens, ms", value_ms, values, why)


def _row(
    comparison: Comparison, chip: str, what: str, published: float, values: list[float], why: str
) -> FirstResultRow:
    low, high = min(values), max(values)
    return FirstResultRow(
        case="first results",
        chip=chip,
        model=comparison.llm,
        what=what,
        published=published,
        low=low,
        middle=values[1],
        high=high,
        is_inside=low <= published <= high,
        explained_by=why,
    )


def _shares(spent: np.ndarray) -> str:
    names = tuple(BindingResource)
    order = [int(code) for code in np.argsort(-spent) if spent[code] > 0.05 * spent.sum()]
    return ", ".join(f"{names[code].value} {spent[code] / spent.sum():.0%}" for code in order)
