"""Trace events: one track per replica and call, slices in microseconds, names that any reader takes."""

import json
from typing import Any

import numpy as np
import pytest

from hwmodel.serving import StepCost
from hwmodel.serving.engine import EngineCalls, EngineRun, EngineSettings
from hwmodel.serving.fast import replay_fast
from hwmodel.serving.outcomes import trace_events
from hwmodel.serving.outcomes.trace_events import CALLS, REPLICAS
from hwmodel.serving.step_log import StepLog, fresh_log

COST = StepCost(np.full(64, 1000.0), np.zeros(2), np.zeros((2, 2)), np.zeros((2, 2)))
NAME = 'a "trace"\n</script> ü'


def run_of(start_ns: int, end_ns: int, *, horizon_ns: int = 2**62) -> tuple[EngineCalls, EngineRun, StepLog]:
    """Three calls on two replicas, steps of 1 us: prompts of one step, answers of 3, 1 and 5 tokens."""
    calls = EngineCalls.of(
        start_ns=np.array([0, 0, 500]),
        input_tokens=np.array([4, 4, 4]),
        output_tokens=np.array([3, 1, 5]),
    )
    settings = EngineSettings(
        blocks_count=50, block_tokens=4, max_sequences_count=4, max_batched_tokens=16, horizon_ns=horizon_ns
    )
    log = fresh_log(100, start_ns=start_ns, end_ns=end_ns)
    return calls, replay_fast(calls, settings, COST, replicas_count=2, log=log), log


def slices(events: dict[str, Any], process: int) -> list[tuple[int, str, float, float]]:
    found = [event for event in events["traceEvents"] if event["ph"] == "X" and event["pid"] == process]
    return [(event["tid"], event["name"], event["ts"], event["dur"]) for event in found]


def test_a_whole_run_by_hand() -> None:
    calls, run, log = run_of(0, 2**62)
    events = json.loads(json.dumps(trace_events(log, run.times, calls, name=NAME)))
    assert slices(events, CALLS) == [
        (0, "queued", 0.0, 0.0),
        (0, "prefill", 0.0, 1.0),
        (0, "decode", 1.0, 2.0),
        (1, "queued", 0.0, 0.0),
        (1, "prefill", 0.0, 1.0),
        (1, "decode", 1.0, 0.0),
        (2, "queued", 0.5, 0.5),
        (2, "prefill", 1.0, 1.0),
        (2, "decode", 2.0, 4.0),
    ]
    home = int(run.times.replica[2])
    steps = slices(events, REPLICAS)
    assert len(steps) == run.steps_count
    assert [step[1:] for step in steps if step[0] == home][-4:] == [("decode", float(at), 1.0) for at in (2, 3, 4, 5)]
    assert sum(step[3] for step in steps) == pytest.approx(run.busy_ns.sum() / 1e3)


def test_every_track_has_a_name_and_the_run_s_name_survives_as_text() -> None:
    calls, run, log = run_of(0, 2**62)
    text = json.dumps(trace_events(log, run.times, calls, name=NAME))
    assert "\n" not in text
    named = [event for event in json.loads(text)["traceEvents"] if event["ph"] == "M"]
    tracks = {(event["pid"], event["tid"]) for event in named if event["name"] == "thread_name"}
    drawn = {(e["pid"], e["tid"]) for e in json.loads(text)["traceEvents"] if e["ph"] == "X"}
    assert drawn == tracks == {(REPLICAS, 0), (REPLICAS, 1), (CALLS, 0), (CALLS, 1), (CALLS, 2)}
    assert f"{NAME}: replicas" in {event["args"]["name"] for event in named}


def test_steps_say_what_they_are_made_of() -> None:
    calls, run, log = run_of(0, 2**62)
    events = trace_events(log, run.times, calls, name=NAME)["traceEvents"]
    first = next(event for event in events if event["ph"] == "X")
    assert first["name"] == "prefill"
    assert first["args"] == {"chunk_tokens": 4, "prompt_count": 1, "decoding": 0, "decode_kv": 0}
    mixed = [event for event in events if event["name"] == "mixed"]
    assert all(event["args"]["chunk_tokens"] > 0 and event["args"]["decoding"] > 0 for event in mixed)


def test_a_window_shows_the_calls_that_touch_it() -> None:
    calls, run, log = run_of(3000, 4000)
    events = trace_events(log, run.times, calls, name=NAME)
    assert {track for track, *_ in slices(events, CALLS)} == {2}
    assert [(name, at) for _, name, at, _ in slices(events, REPLICAS)] == [("decode", 3.0)]


def test_a_call_that_is_not_over_ends_with_the_last_step() -> None:
    calls, run, log = run_of(0, 2**62, horizon_ns=3500)
    drawn = slices(trace_events(log, run.times, calls, name=NAME), CALLS)
    assert drawn[-1] == (2, "decode", 2.0, 2.0)
