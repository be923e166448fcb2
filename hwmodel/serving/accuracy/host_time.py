"""Which engines of the measured runs let the chip wait for the host at every step."""

from hwmodel.timing import HOST_STEP_S

SERIAL_HOST_STEP_S = 1.0e-3
"""Host time per step of an engine that does not prepare the next step while the chip works on this one. Assumed;
Vidur measured 1.4 ms at batch 8 and 2.7 ms at batch 32 on A100."""
OVERLAPPED_SINCE = (0, 14)
"""First version of vLLM that schedules asynchronously by default. Published: vLLM's release notes."""


def host_step_s(backend: str, version: str | None) -> float:
    """Host time per step of an engine.

    TensorRT-LLM's overlap scheduler is on by default (published: its documentation), SGLang's since 0.4 (published: its
    release note of December 2024). Runs of vLLM without a version are older than the default.
    """
    if backend != "vllm":
        return HOST_STEP_S
    return HOST_STEP_S if _numbers(version) >= OVERLAPPED_SINCE else SERIAL_HOST_STEP_S


def _numbers(version: str | None) -> tuple[int, ...]:
    parts = (version or "").split(".")[:2]
    return tuple(int(part) for part in parts) if all(part.isdecimal() for part in parts) else ()
