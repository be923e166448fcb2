"""Configuration of a serving engine, as its YAML file states it: keys, types and ranges."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

from hwmodel.serving.engine import Policy
from hwmodel.serving.errors import BadConfig


class SchedulerKind(StrEnum):
    """Rule by which an engine puts its steps together."""

    VLLM_V1 = "vllm_v1"
    SARATHI_VIDUR = "sarathi_vidur"
    """Vidur's Sarathi scheduler, its restarts included."""


class Preemption(StrEnum):
    """What happens to a call whose next token finds no block."""

    RECOMPUTE = "recompute"
    """The youngest call gives its blocks back and is computed again."""
    NONE = "none"
    """It never happens: room for prompt and answer is taken at admission."""


class KvSkew(StrEnum):
    """Whether measured batches of unequal contexts correct attention; else a step is told by its mean context."""

    AUTO = "auto"
    """Where they were measured, and their batches of equal contexts take the times of the attention table."""
    ON = "on"
    OFF = "off"


SWITCHES: dict[object, tuple[StrEnum, StrEnum]] = {
    Preemption: (Preemption.NONE, Preemption.RECOMPUTE),
    KvSkew: (KvSkew.OFF, KvSkew.ON),
}
"""What false and true stand for. YAML reads on and off as these, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingConfig:
    """One replica of an LLM and the engine on it; the fields are the keys of the file."""

    scheduler: SchedulerKind
    max_num_seqs: int
    """Most sequences in a step; Vidur's batch_size_cap."""
    max_num_batched_tokens: int
    """Most tokens in a step; Vidur's chunk_size."""
    kv_blocks: int
    """Blocks of KV cache, as the engine logs them (vLLM keeps one for itself). May be left out on a chip of the
    catalogue: then they are what fits beside the weights."""
    layers: int
    """Of the LLM; kernel profiles hold times of one. May be left out on a chip of the catalogue."""
    block_tokens: int = 16
    """Tokens in a block."""
    prefix_caching: bool = False
    """Whether freed blocks keep their content until they are taken, so that prefixes are found again."""
    preemption: Preemption = Preemption.RECOMPUTE
    """`recompute` (or true) or `none` (or false)."""
    tp: int = 1
    """Tensor-parallel ranks."""
    expert_parallel: bool = False
    """Whether experts are divided over all ranks; on a chip of the catalogue. So the next."""
    attention_dp: int = 1
    """Groups of `tp` ranks that attend to sequences of their own; above 1 with expert_parallel. Sequences, tokens and
    blocks are then those of all groups together."""
    gqa_attention_factor: float = 1.0
    """On Vidur's attention times of more than one sequence; 1.1 where heads share KV."""
    host_overhead_s: float = 0.0
    """Host time added to every step."""
    arrival_scale: float = 1.0
    """On arrival times: 2 halves the load."""
    kv_skew: KvSkew = KvSkew.AUTO
    """`auto`, `on` (or true) or `off` (or false); for LLMServingSim's profiles."""
    policy: Policy = Policy.FCFS
    hardware: str | None = None
    """Which profile of a folder; needed only where it holds several, like the next two."""
    model: str | None = None
    variant: str | None = None

    def __post_init__(self) -> None:
        for name in (
            "max_num_seqs",
            "max_num_batched_tokens",
            "kv_blocks",
            "layers",
            "block_tokens",
            "tp",
            "attention_dp",
        ):
            _at_least_one(name, getattr(self, name))
        _refuse(self.gqa_attention_factor < 1.0, "gqa_attention_factor", self.gqa_attention_factor, "1 or more")
        _refuse(self.host_overhead_s < 0.0, "host_overhead_s", self.host_overhead_s, "0 or more")
        _refuse(self.arrival_scale <= 0.0, "arrival_scale", self.arrival_scale, "above 0")
        groups = self.attention_dp
        _refuse(groups > 1 and not self.expert_parallel, "attention_dp", groups, "1 without expert_parallel")
        if self.scheduler is SchedulerKind.SARATHI_VIDUR:
            _refuse(self.prefix_caching, "prefix_caching", self.prefix_caching, "false with sarathi_vidur")
            _refuse(self.preemption is Preemption.NONE, "preemption", "none", "recompute with sarathi_vidur")
            _refuse(self.policy is Policy.PRIORITY, "policy", "priority", "fcfs with sarathi_vidur")

    @property
    def ranks(self) -> int:
        """Chips of a replica."""
        return self.tp * self.attention_dp


def read_config(path: Path, *, otherwise: Mapping[str, object] | None = None) -> ServingConfig:
    """The configuration in a YAML file.

    Args:
        path: The file.
        otherwise: Values of keys that the file leaves out.

    Raises:
        BadConfig: The file cannot be read, or a key is unknown, missing, of another type or out of range.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadConfig(f"{path} cannot be read as YAML: {' '.join(str(error).split())}") from None
    try:
        return config_of({**(otherwise or {}), **content} if isinstance(content, dict) else content)
    except BadConfig as error:
        raise BadConfig(f"{path.name}: {error}") from None


def config_of(content: object) -> ServingConfig:
    """The configuration that a mapping of keys states.

    Raises:
        BadConfig: A key is unknown, missing, of another type or out of range.
    """
    if not isinstance(content, dict):
        raise BadConfig(f"a configuration is a mapping of keys to values, not {type(content).__name__}")
    known = {field.name: field for field in fields(ServingConfig)}
    if unknown := sorted(str(key) for key in content if key not in known):
        raise BadConfig(f"unknown key {', '.join(unknown)}; known are {', '.join(known)}")
    if missing := [name for name, field in known.items() if field.default is MISSING and name not in content]:
        raise BadConfig(f"{', '.join(missing)} must be set")
    return ServingConfig(**{name: _typed(name, known[name].type, value) for name, value in content.items()})


def _typed(name: str, kind: Any, value: object) -> Any:
    if kind in SWITCHES and isinstance(value, bool):
        return SWITCHES[kind][value]
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        _refuse(value not in list(kind), name, value, " or ".join(kind))
        return kind(str(value))
    if kind is bool:
        _refuse(not isinstance(value, bool), name, value, "true or false")
        return value
    if kind is int:
        _refuse(isinstance(value, bool) or not isinstance(value, int), name, value, "a whole number")
        return value
    if kind is float:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        _refuse(not is_number or value != value or abs(float(value)) == float("inf"), name, value, "a number")  # type: ignore[arg-type]  # noqa: PLR0124
        return float(value)  # type: ignore[arg-type]
    _refuse(not (value is None or isinstance(value, str)), name, value, "a text")
    return value


def _at_least_one(name: str, value: int) -> None:
    _refuse(value < 1, name, value, "1 or more")


def _refuse(broken: bool, name: str, value: object, allowed: str) -> None:
    if broken:
        raise BadConfig(f"{name} is {value!r} and must be {allowed}")
