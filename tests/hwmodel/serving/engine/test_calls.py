"""Calls that cannot be are refused with the row, the value and the reason; what is left out has its plain meaning."""

import numpy as np
import pytest

from hwmodel.serving.engine import NEVER, NONE, EngineCalls
from hwmodel.serving.errors import BadCalls


def test_calls_are_alone_and_patient_unless_they_say_otherwise() -> None:
    calls = EngineCalls.of(input_tokens=np.array([5, 6]), output_tokens=np.array([1, 2]))
    assert len(calls) == 2
    for name in ("after", "parent", "system"):
        assert getattr(calls, name).tolist() == [NONE, NONE], name
    for name in ("patience_ns", "stop_ns"):
        assert getattr(calls, name).tolist() == [NEVER, NEVER], name
    for name in ("start_ns", "gap_ns", "shared_tokens", "loaded_tokens", "priority", "retries_count", "backoff_ns"):
        assert getattr(calls, name).tolist() == [0, 0], name


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("input_tokens", 0, "call 1 has input_tokens = 0: a prompt has at least one token"),
        ("output_tokens", 0, "call 1 has output_tokens = 0: an answer has at least one token"),
        ("after", 1, "call 1 has after = 1: a call can only follow an earlier row"),
        ("parent", 2, "call 1 has parent = 2: a prefix can only come from an earlier row"),
        ("start_ns", -1, "call 1 has start_ns = -1: it cannot be negative"),
        ("gap_ns", -1, "call 1 has gap_ns = -1"),
        ("shared_tokens", -2, "call 1 has shared_tokens = -2"),
        ("loaded_tokens", -1, "call 1 has loaded_tokens = -1"),
        ("patience_ns", -1, "call 1 has patience_ns = -1"),
        ("stop_ns", -1, "call 1 has stop_ns = -1"),
        ("priority", -1, "call 1 has priority = -1"),
    ],
)
def test_a_call_that_cannot_be_is_refused(name: str, value: int, message: str) -> None:
    columns = {"input_tokens": np.full(3, 5), "output_tokens": np.full(3, 5)}
    columns[name] = columns.get(name, np.full(3, -1 if name in {"after", "parent"} else 0)).copy()
    columns[name][1] = value
    with pytest.raises(BadCalls, match=message):
        EngineCalls.of(**columns)


def test_a_column_of_another_length_is_refused() -> None:
    with pytest.raises(BadCalls, match=r"column output_tokens has shape \(3,\) .* give 2 int64"):
        EngineCalls.of(input_tokens=np.array([5, 6]), output_tokens=np.array([1, 2, 3]))
