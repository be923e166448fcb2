"""A window of a replay as trace events, the JSON that Chrome's tracing page and Perfetto open."""

from typing import Any

import numpy as np

from hwmodel.serving.engine import CallTimes, EngineCalls, Outcome
from hwmodel.serving.step_log import STEP_COLUMNS, StepLog

NS_PER_US = 1e3
REPLICAS, CALLS = 1, 2
"""Processes of the picture: one thread per replica, one per call."""


def trace_events(log: StepLog, times: CallTimes, calls: EngineCalls, *, name: str) -> dict[str, Any]:
    """Steps by replica, and the waiting, prompt and decoding of every call that touches the window.

    Slices keep their whole length where they reach out of the window. A call that was interrupted is shown as its
    user sees it: the prompt lasts from first admission to first token, decoding from there to the last.

    Args:
        log: Steps of the window.
        times: Of the same replay.
        calls: What was asked.
        name: Of the run.
    """
    start_ns, end_ns = (int(at) for at in log.window_ns)
    over = np.where(times.outcome > Outcome.OPEN, times.last_ns, np.iinfo(np.int64).max)
    is_shown = (times.requested_ns >= 0) & (times.requested_ns < end_ns) & (over > start_ns)
    shown = np.flatnonzero(is_shown).tolist()
    steps = log.steps
    events = [_named("process_name", REPLICAS, 0, f"{name}: replicas"), _named("process_name", CALLS, 0, "calls")]
    replicas = np.unique(steps[:, 2]).tolist()
    events += [_named("thread_name", REPLICAS, replica, f"replica {replica}") for replica in replicas]
    events += [_named("thread_name", CALLS, call, f"call {call}") for call in shown]
    events += [_step(dict(zip(STEP_COLUMNS, row, strict=True))) for row in steps.tolist()]
    until = int(steps[:, 1].max(initial=start_ns))
    for call in shown:
        events += _call(call, times, calls, until)
    return {"traceEvents": events, "displayTimeUnit": "ms", "otherData": {"run": name}}


def _step(step: dict[str, int]) -> dict[str, Any]:
    kind = "mixed" if step["chunk_tokens"] and step["decoding"] else "prefill" if step["chunk_tokens"] else "decode"
    args = {name: step[name] for name in ("chunk_tokens", "prompt_count", "decoding", "decode_kv")}
    return _slice(kind, REPLICAS, step["replica"], (step["start_ns"], step["end_ns"]), args)


def _call(call: int, times: CallTimes, calls: EngineCalls, until_ns: int) -> list[dict[str, Any]]:
    """Up to three slices; the last one of a call that is not over ends with the last step of the window."""
    is_over = times.outcome[call] > Outcome.OPEN
    end = int(times.last_ns[call]) if is_over else until_ns
    marks = [int(times.requested_ns[call]), int(times.scheduled_ns[call]), int(times.first_ns[call])]
    reached = [mark for mark in marks if mark >= 0]
    spans = zip(("queued", "prefill", "decode"), reached, [*reached[1:], end], strict=False)
    args = {
        "input_tokens": int(calls.input_tokens[call]),
        "output_tokens": int(calls.output_tokens[call]),
        "cached_tokens": int(times.cached_tokens[call]),
        "preemptions": int(times.preemptions_count[call]),
        "replica": int(times.replica[call]),
        "outcome": Outcome(int(times.outcome[call])).name.lower(),
    }
    return [_slice(what, CALLS, call, (begin, stop), args) for what, begin, stop in spans if stop >= begin]


def _slice(name: str, process: int, thread: int, span_ns: tuple[int, int], args: dict[str, Any]) -> dict[str, Any]:
    begin, end = span_ns
    return {
        "name": name,
        "ph": "X",
        "pid": process,
        "tid": thread,
        "ts": begin / NS_PER_US,
        "dur": (end - begin) / NS_PER_US,
        "args": args,
    }


def _named(what: str, process: int, thread: int, name: str) -> dict[str, Any]:
    return {"name": what, "ph": "M", "pid": process, "tid": thread, "args": {"name": name}}
