"""The blocks `disaggregation` and `host_kv` of a serving configuration: keys, types and ranges."""

from dataclasses import MISSING, dataclass, fields
from typing import Any

from hwmodel.serving.errors import BadConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Disaggregation:
    """Prefill and decode on replicas of their own; the fields are the keys of the block."""

    prefill_replicas: int
    decode_replicas: int
    prefill_tp: int
    """Tensor-parallel ranks of a prefill replica; the configuration's `tp` is not read."""
    decode_tp: int
    link_bytes_per_s: float | None = None
    """Of one chip, in one direction; left out, the catalogue's scale-out link of the chip."""
    link_latency_s: float | None = None
    """Left out, the chip's smallest collective times the chip model's ratio beyond the scale-up domain."""
    prefill_max_num_batched_tokens: int | None = None
    """Most tokens in a step of a prefill replica; left out, the configuration's `max_num_batched_tokens`."""
    overlap: bool = False
    """Whether layers travel while the next ones are computed; else the cache travels after the prefill."""

    def __post_init__(self) -> None:
        for name in ("prefill_replicas", "decode_replicas", "prefill_tp", "decode_tp"):
            _refuse(getattr(self, name) < 1, name, getattr(self, name), "1 or more")
        budget = self.prefill_max_num_batched_tokens
        _refuse(budget is not None and budget < 1, "prefill_max_num_batched_tokens", budget, "1 or more")
        rate, latency = self.link_bytes_per_s, self.link_latency_s
        _refuse(rate is not None and not rate > 0.0, "link_bytes_per_s", rate, "above 0")
        _refuse(latency is not None and not 0.0 <= latency < float("inf"), "link_latency_s", latency, "0 or more")

    @property
    def chips_count(self) -> int:
        """Chips of both pools."""
        return self.prefill_replicas * self.prefill_tp + self.decode_replicas * self.decode_tp


@dataclass(frozen=True, slots=True, kw_only=True)
class HostKv:
    """KV cache in host memory; the fields are the keys of the block, all of one replica."""

    bytes: float
    """Host memory for cache; 0 for none."""
    bytes_per_s: float
    """From host to chips, all ranks together."""
    latency_s: float
    """Of a load, on top of its bytes."""

    def __post_init__(self) -> None:
        endless = float("inf")
        _refuse(not 0.0 <= self.bytes < endless, "bytes", self.bytes, "0 or more", block="host_kv")
        _refuse(not self.bytes_per_s > 0.0, "bytes_per_s", self.bytes_per_s, "above 0", block="host_kv")
        _refuse(not 0.0 <= self.latency_s < endless, "latency_s", self.latency_s, "0 or more", block="host_kv")


def disaggregation_of(content: object) -> Disaggregation | None:
    """What the block `disaggregation` says; none where it is empty.

    Raises:
        BadConfig: A key is unknown, missing, of another type or out of range.
    """
    return None if content is None else Disaggregation(**_values(content, Disaggregation, "disaggregation"))


def host_kv_of(content: object) -> HostKv | None:
    """What the block `host_kv` says; none where it is empty.

    Raises:
        BadConfig: A key is unknown, missing, of another type or out of range.
    """
    return None if content is None else HostKv(**_values(content, HostKv, "host_kv"))


def _values(content: object, kind: type[Disaggregation] | type[HostKv], block: str) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise BadConfig(f"{block} is a mapping of keys to values, not {type(content).__name__}")
    known = {field.name: field for field in fields(kind)}
    if unknown := sorted(str(key) for key in content if key not in known):
        raise BadConfig(f"{block} has unknown key {', '.join(unknown)}; known are {', '.join(known)}")
    if missing := [name for name, field in known.items() if field.default is MISSING and name not in content]:
        raise BadConfig(f"{block}: {', '.join(missing)} must be set")
    return {name: _typed(name, known[name].type, value, block) for name, value in content.items()}


def _typed(name: str, kind: object, value: object, block: str) -> object:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind is bool:
        _refuse(not isinstance(value, bool), name, value, "true or false", block=block)
        return value
    if value is None and kind in {int | None, float | None}:
        return None
    if kind in {int, int | None}:
        _refuse(not (is_number and isinstance(value, int)), name, value, "a whole number", block=block)
        return value
    _refuse(not is_number, name, value, "a number", block=block)
    return float(value)  # type: ignore[arg-type]


def _refuse(broken: bool, name: str, value: object, allowed: str, *, block: str = "disaggregation") -> None:
    if broken:
        raise BadConfig(f"{block}: {name} is {value!r} and must be {allowed}")
