"""Which engines wait for their host."""

import pytest

from hwmodel.serving.accuracy.host_time import SERIAL_HOST_STEP_S, host_step_s
from hwmodel.timing import HOST_STEP_S


@pytest.mark.parametrize(
    ("version", "expected"), [("0.14.0", HOST_STEP_S), ("0.18.0", HOST_STEP_S), ("1.0.0", HOST_STEP_S)]
)
def test_vllm_with_asynchronous_scheduling_hardly_waits(version: str, expected: float) -> None:
    assert host_step_s("vllm", version) == expected


@pytest.mark.parametrize("version", ["0.11.2", "0.13.1", None, "nightly"])
def test_vllm_before_it_and_of_no_version_waits(version: str | None) -> None:
    assert host_step_s("vllm", version) == SERIAL_HOST_STEP_S


@pytest.mark.parametrize("backend", ["trtllm", "sglang"])
def test_the_others_overlap_by_default(backend: str) -> None:
    assert host_step_s(backend, None) == HOST_STEP_S
