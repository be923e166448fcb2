"""Serving the calls of a trace on measured kernels or on a chip model: what `scoville serve` does."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float

from hwmodel.catalog import ChipDesign, ChipSpec, LlmSpec, load_catalog, timed_design_of
from hwmodel.serving.chip_engine import chip_engine, refuse_long_calls, refuse_weights
from hwmodel.serving.config import ServingConfig, read_config
from hwmodel.serving.demand import NS_PER_S
from hwmodel.serving.engine import DraftCounts, EngineCalls, EngineRun, Outcome
from hwmodel.serving.outcomes import trace_events
from hwmodel.serving.profiles import read_profile
from hwmodel.serving.serve import serve_calls
from hwmodel.serving.split.configured import configured_split, refuse_beyond_split, serve_hosted
from hwmodel.serving.split.run import HostedRun, SplitRun
from hwmodel.serving.step_log import StepLog
from hwmodel.serving.traces import read_trace
from pipelines.errors import BadInput
from pipelines.serving_outcomes import goodput_row, logged, promise_of, window_of, write_picture

SUFFIXES = (".parquet", ".csv")


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What is asked of `scoville serve`."""

    trace: Path
    """Vidur's CSV or LLMServingSim's workload as Parquet."""
    config: Path
    """YAML of the engine."""
    target: Path
    """Parquet or CSV to write."""
    kernel_profile: str | None = None
    """`vidur:FILE` or `llmservingsim:DIR`; else a chip and an LLM."""
    chip: str | None = None
    """Id in the catalogue, as the next one."""
    llm: str | None = None
    allow_estimates: bool = False
    """Let numbers that nobody published stand in."""
    goodput: str | None = None
    """`TTFT_S,TPOT_S[,TARGET]`: find the largest load within these limits."""
    picture: Path | None = None
    """JSON of trace events to write."""
    window: str | None = None
    """`START_S,END_S` of the picture; all of the run if left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A configuration, and how it serves."""

    config: ServingConfig
    serve: Callable[[EngineCalls, StepLog | None], EngineRun]


def serve_file(asked: Served) -> dict[str, Any]:
    """Serves every call of a trace, writes one row per call and sums the run up.

    Times in the file are seconds on the trace's clock (after `arrival_scale`), not since the call's arrival: the wait
    of a call is scheduled_s - queued_s, its time to first token first_token_s - queued_s.

    Raises:
        BadInput: The target is neither Parquet nor CSV, limits or window are no numbers, or it is not told on what to
            serve.
        CatalogError: No such chip or LLM, or it lacks numbers.
        ServingError: Trace, profile or configuration cannot be used, or do not fit each other.
    """
    if asked.target.suffix not in SUFFIXES:
        raise BadInput(
            f"{asked.target}: cannot write {asked.target.suffix or 'a file without suffix'}; take .parquet or .csv"
        )
    promise = promise_of(asked.goodput) if asked.goodput is not None else None
    window_ns = window_of(asked.window)
    engine = engine_of(asked)
    calls = read_trace(asked.trace, arrival_scale=engine.config.arrival_scale)
    if asked.picture is None:
        run = engine.serve(calls, None)
    else:
        run, log = logged(lambda log: engine.serve(calls, log), window_ns)
        write_picture(asked.picture, trace_events(log, run.times, calls, name=asked.trace.name))
    rows = call_rows(run)
    _write(rows, asked.target)
    told = summary(rows, run)
    if promise is not None:
        told["goodput"] = goodput_row(lambda calls: engine.serve(calls, None), calls, run, promise)
    return told


def engine_of(asked: Served) -> Engine:
    """The engine on the kernels or the chip that is asked for.

    Raises:
        BadInput: Neither a kernel profile nor a chip with an LLM, or both.
        CatalogError: No such chip or LLM, or it lacks numbers.
        ServingError: Profile or configuration cannot be used.
    """
    if asked.kernel_profile is not None and asked.chip is None and asked.llm is None:
        config = read_config(asked.config)
        if config.expert_parallel:
            raise BadInput("expert_parallel needs a chip and an LLM: kernel profiles hold one layout")
        cost = read_profile(asked.kernel_profile, config)
        return Engine(config=config, serve=lambda calls, log: serve_calls(calls, cost, config, log=log))
    if asked.kernel_profile is None and asked.chip is not None and asked.llm is not None:
        return _engine_on_chip(asked, asked.chip, asked.llm)
    raise BadInput("say what to serve on: either --kernel-profile, or --chip and --model")


def _engine_on_chip(asked: Served, chip_id: str, llm_id: str) -> Engine:
    catalog = load_catalog()
    design = timed_design_of(catalog.chip(chip_id), allow_estimates=asked.allow_estimates)
    llm = catalog.llm(llm_id)
    left_out = {"layers": llm.layers_count, "kv_blocks": 1}
    first = read_config(asked.config, otherwise=left_out)
    if first.disaggregation is not None:
        return _split_on_chip(asked, catalog.chip(chip_id), design, llm, first)
    drafting = None if first.speculation is None else first.speculation.draft_llm
    draft_llm = None if drafting is None else catalog.llm(drafting)
    on_chip = chip_engine(design, llm, first, draft_llm=draft_llm)
    config = read_config(asked.config, otherwise={**left_out, "kv_blocks": max(on_chip.kv_blocks, 1)})
    if config.kv_blocks == max(on_chip.kv_blocks, 1):
        refuse_weights(on_chip, design, llm, config.ranks)

    if config.host_kv is not None and asked.picture is not None:
        raise BadInput("a picture does not show loads from host memory; leave --perfetto out beside host_kv")

    def serve(calls: EngineCalls, log: StepLog | None) -> EngineRun:
        refuse_long_calls(calls, llm)
        if config.host_kv is not None:
            return serve_hosted(calls, on_chip, llm, config)
        return serve_calls(calls, on_chip.cost, config, state_blocks_count=on_chip.state_blocks_count, log=log)

    return Engine(config=config, serve=serve)


def _split_on_chip(asked: Served, spec: ChipSpec, design: ChipDesign, llm: LlmSpec, config: ServingConfig) -> Engine:
    if config.kv_blocks != 1:
        raise BadInput("kv_blocks must be left out beside disaggregation: each side has what fits beside its weights")
    if asked.picture is not None:
        raise BadInput("a picture shows the steps of one pool; leave --perfetto out beside disaggregation")
    engine = configured_split(spec, design, llm, config, allow_estimates=asked.allow_estimates)

    def serve(calls: EngineCalls, log: StepLog | None) -> EngineRun:  # noqa: ARG001 - refused above
        refuse_long_calls(calls, llm)
        refuse_beyond_split(calls, engine)
        return engine.serve(calls)

    return Engine(config=config, serve=serve)


def call_rows(run: EngineRun) -> pl.DataFrame:
    """One row per call, in the trace's order; `call_id` is its row there, from 0.

    With cache in host memory a column tells the cached tokens from there.
    With prefill and decode apart `scheduled_s` is on the prefill side, and four columns tell of the hand-over; an
    answer of one token has none.
    """
    times = run.times
    rows = pl.DataFrame(
        {
            "call_id": np.arange(times.requested_ns.size),
            "queued_s": times.requested_ns / NS_PER_S,
            "scheduled_s": times.scheduled_ns / NS_PER_S,
            "first_token_s": times.first_ns / NS_PER_S,
            "last_token_s": times.last_ns / NS_PER_S,
            "preemptions": times.preemptions_count,
            "cached_tokens": times.cached_tokens,
        }
    )
    if isinstance(run, HostedRun):
        return rows.with_columns(host_tokens=run.host_tokens)
    if not isinstance(run, SplitRun):
        return rows
    over = run.hand_overs
    moments = {"room_s": over.room_ns, "cache_arrived_s": over.arrived_ns, "decoding_s": over.decoding_ns}
    seconds = {name: np.where(column >= 0, column / NS_PER_S, np.nan) for name, column in moments.items()}
    return rows.with_columns(**seconds, sent_tokens=over.sent_tokens).with_columns(pl.col(*moments).fill_nan(None))


def summary(rows: pl.DataFrame, run: EngineRun) -> dict[str, Any]:
    """Steps, calls, and the times of finished calls: to first token, per further token where there is one, to last.

    With speculation also what became of drafts, steps of calls that left in the midst of them not counted. With cache
    in host memory also what was found in which tier, and what was loaded, again after a preemption included. With
    prefill and decode apart also what travelled, and the time from first token to the first step that decodes.
    """
    times, lasted_s = run.times, (rows["last_token_s"] - rows["queued_s"]).to_numpy()
    is_done = times.outcome == Outcome.DONE
    told: dict[str, Any] = {
        "iterations": run.steps_count,
        "calls": len(rows),
        "preemptions": int(rows["preemptions"].sum()),
        "cached_tokens": int(rows["cached_tokens"].sum()),
        "ttft_s": _spread(times.ttft_s[is_done]),
        "tpot_s": _spread(times.tpot_s[is_done & (times.generated_tokens > 1)]),
        "e2e_s": _spread(lasted_s[is_done]),
    }
    if run.drafts is not None:
        told["speculation"] = _of_drafts(run.drafts)
    if isinstance(run, HostedRun):
        from_host = int(run.host_tokens.sum())
        told["cached_tokens_by_tier"] = {"device": told["cached_tokens"] - from_host, "host": from_host}
        told["loaded_blocks"] = int(run.loaded_blocks.sum())
    if isinstance(run, SplitRun):
        handed = is_done & (run.hand_overs.arrived_ns >= 0)
        waited_ns = run.hand_overs.decoding_ns - times.first_ns
        told["sent_tokens"] = int(run.hand_overs.sent_tokens.sum())
        told["hand_over_s"] = _spread(waited_ns[handed] / NS_PER_S)
    return told


def _of_drafts(drafts: DraftCounts) -> dict[str, float]:
    return {
        "tokens_per_step": drafts.tokens_per_step,
        "accepted_ratio": drafts.accepted_ratio,
        "drafted_tokens": drafts.drafted_tokens,
        "accepted_tokens": drafts.accepted_tokens,
    }


def _spread(values: Float[np.ndarray, "calls"]) -> dict[str, float | None]:
    """Mean and quantiles; none of no values."""
    if values.size == 0:
        return dict.fromkeys(("mean", "p50", "p90", "p95", "p99"))
    quantiles = {f"p{q}": float(np.quantile(values, q / 100)) for q in (50, 90, 95, 99)}
    return {"mean": float(values.mean()), **quantiles}


def _write(rows: pl.DataFrame, target: Path) -> None:
    if target.suffix == ".csv":
        rows.write_csv(target)
    else:
        rows.write_parquet(target)
