"""Goodput, pictures and fronts as the command line asks for them."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hwmodel.catalog import ChipDesign, ChipSpec, DesignTable, MissingSpec, design_of, load_catalog, timed_design_of
from hwmodel.physical import Tco, tco
from hwmodel.serving import Scheduler
from hwmodel.serving.demand import NS_PER_S
from hwmodel.serving.engine import NEVER, EngineCalls, EngineRun
from hwmodel.serving.errors import LongWindow
from hwmodel.serving.outcomes import (
    TARGET_RATIO,
    CallLimits,
    FrontPoint,
    SplitTrial,
    Workload,
    attainment,
    front,
    goodput,
    layouts_of,
)
from hwmodel.serving.split.on_chip import ChipLink, scale_out_latency_s
from hwmodel.serving.step_log import StepLog, fresh_log
from pipelines.errors import BadInput

FIRST_ROOM, MOST_ROOM = 65_536, 1_000_000
"""Steps of a picture: those there is room for at first, and those that a page can still show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """Limits of each call, and the share of calls that must keep them."""

    limits: CallLimits
    target_ratio: float


def promise_of(text: str) -> Promise:
    """What `TTFT_S,TPOT_S[,TARGET]` says.

    Raises:
        BadInput: Not two or three numbers.
        BadLimits: A limit that is no time.
    """
    numbers = _numbers(text, (2, 3), "TTFT_S,TPOT_S or TTFT_S,TPOT_S,TARGET")
    target = numbers[2] if len(numbers) > 2 else TARGET_RATIO
    if not 0.0 < target <= 1.0:
        raise BadInput(f"the target is {target:g} and must be a share above 0, at most 1")
    return Promise(limits=CallLimits(ttft_s=numbers[0], tpot_s=numbers[1]), target_ratio=target)


def window_of(text: str | None) -> tuple[int, int]:
    """What `START_S,END_S` says, in ns; everything where nothing is said.

    Raises:
        BadInput: Not two times in order.
    """
    if text is None:
        return 0, NEVER
    start, end = _numbers(text, (2,), "START_S,END_S")
    if not 0.0 <= start < end or end * NS_PER_S >= NEVER:
        raise BadInput(f"{text!r} is no window: the start is at least 0 and before the end")
    return round(start * NS_PER_S), round(end * NS_PER_S)


def logged(serve: Callable[[StepLog], EngineRun], window_ns: tuple[int, int]) -> tuple[EngineRun, StepLog]:
    """A run with all steps of a window; where they found no room, the run is made again with more of it.

    Raises:
        LongWindow: More steps than a page can show.
    """
    room = FIRST_ROOM
    while True:
        log = fresh_log(room, start_ns=window_ns[0], end_ns=window_ns[1])
        run = serve(log)
        if log.is_whole:
            return run, log
        room = int(log.size[0])
        if room > MOST_ROOM:
            raise LongWindow(f"the window has {room:,} steps, a picture at most {MOST_ROOM:,}; give a shorter --window")


def write_picture(target: Path, events: dict[str, Any]) -> None:
    """Trace events as a file that ui.perfetto.dev and chrome://tracing open."""
    target.write_text(json.dumps(events), encoding="utf-8")


def goodput_row(
    serve: Callable[[EngineCalls], EngineRun], calls: EngineCalls, run: EngineRun, promise: Promise
) -> dict[str, float]:
    """The goodput of a trace, and the attainment at the trace's own load."""
    found = goodput(serve, calls, promise.limits, target_ratio=promise.target_ratio)
    limits = {"ttft_limit_s": promise.limits.ttft_s, "tpot_limit_s": promise.limits.tpot_s}
    return {**limits, "trace_attainment_ratio": attainment(run.times, promise.limits), **asdict(found)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Traded:
    """What is asked of `scoville pareto`."""

    chip: str
    """Id in the catalogue, as the next one."""
    llm: str
    workload: Workload
    max_batched_tokens: int = Scheduler().max_batched_tokens
    most_batch: int = 512
    price_basis: str = "in_house"
    allow_estimates: bool = False
    split_chips: int | None = None
    """Chips over which prefill and decode are split, too; none for replicas that do both alone."""


def trade(asked: Traded) -> tuple[tuple[FrontPoint, ...], str | None]:
    """All points of a chip and an LLM, and why there are no dollars where there are none.

    Raises:
        BadInput: A batch or budget that cannot be.
        CatalogError: No such chip or LLM, or it lacks numbers that times need.
        PhysicalError: No such price basis.
        ServingError: Nothing fits.
    """
    if not 1 <= asked.most_batch <= asked.max_batched_tokens:
        raise BadInput(
            f"--max-batch is {asked.most_batch} and must be 1 to {asked.max_batched_tokens}, the tokens of a step"
        )
    catalog = load_catalog()
    spec, llm = catalog.chip(asked.chip), catalog.llm(asked.llm)
    if asked.workload.input_tokens + asked.workload.output_tokens > llm.context_tokens:
        raise BadInput(f"{llm.id} holds {llm.context_tokens} tokens; ask for fewer input and output tokens")
    if asked.split_chips is not None and asked.split_chips < 2:
        raise BadInput(f"--split-chips is {asked.split_chips} and must be at least 2, one for each side")
    design, cost, reason = _priced(spec, asked)
    points = front(
        design,
        llm,
        asked.workload,
        layouts=layouts_of(design, llm),
        batches=[2**power for power in range(asked.most_batch.bit_length())],
        scheduler=Scheduler(max_sequences_count=asked.most_batch, max_batched_tokens=asked.max_batched_tokens),
        cost=cost,
        split=None if asked.split_chips is None else _split_of(spec, design, asked),
    )
    return points, reason


def point_row(found: FrontPoint) -> dict[str, Any]:
    """One flat row of a point; `split` says replicas x ranks of prefill, then of decode."""
    layout = found.layout
    split = f"{layout.prefill_replicas_count}x{layout.prefill_tp_count}:{layout.replicas_count}x{layout.tp_count}"
    row = {**asdict(layout), **asdict(found.point), **asdict(found), "split": split if layout.replicas_count else None}
    return {name: value for name, value in row.items() if name not in {"layout", "point"}}


def _split_of(spec: ChipSpec, design: ChipDesign, asked: Traded) -> SplitTrial:
    """Over the catalogue's scale-out link.

    Raises:
        MissingSpec: It is not public.
    """
    rate = spec.require("scale_out_bytes_per_s", allow_estimates=asked.allow_estimates)
    link = ChipLink(bytes_per_s=rate, latency_s=scale_out_latency_s(design))
    return SplitTrial(chips_count=asked.split_chips or 0, link=link)


def _priced(spec: ChipSpec, asked: Traded) -> tuple[ChipDesign, Tco | None, str | None]:
    """The chip, and what an hour of it costs where its area and memory can be priced."""
    try:
        design = design_of(spec, allow_estimates=asked.allow_estimates)
    except MissingSpec as error:
        return timed_design_of(spec, allow_estimates=asked.allow_estimates), None, str(error)
    return design, tco(DesignTable.of([design]), price_basis=asked.price_basis), None


def _numbers(text: str, counts: tuple[int, ...], form: str) -> list[float]:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in counts:
        raise BadInput(f"{text!r} must be {form}")
    return numbers
