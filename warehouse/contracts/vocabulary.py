"""The closed vocabularies that columns of the contracts draw from."""

from enum import StrEnum


class Surface(StrEnum):
    """A product surface: the kind of product a call came from."""

    CODEX_LOOP = "codex_loop"
    LONG_CONTEXT_CHAT = "long_context_chat"
    API_BURST = "api_burst"
    MULTIMODAL = "multimodal"
    ALWAYS_ON_ASSISTANT = "always_on_assistant"
    AUTONOMOUS_WORKFLOW = "autonomous_workflow"


class ServiceTier(StrEnum):
    """What latency a caller was promised."""

    INTERACTIVE = "interactive"
    STANDARD = "standard"
    BATCH = "batch"


class CallStatus(StrEnum):
    """How a model call ended."""

    OK = "ok"
    USER_CANCEL = "user_cancel"
    RATE_LIMITED = "rate_limited"
    ERROR = "error"


class SessionOutcome(StrEnum):
    """How a session ended."""

    COMPLETED = "completed"
    ABANDONED = "abandoned"
    ESCALATED = "escalated"


class EvidenceKind(StrEnum):
    """Where a number comes from, strongest first."""

    MEASURED = "measured"
    PUBLISHED = "published"
    CALIBRATED = "calibrated"
    ASSUMED = "assumed"


class BindingResource(StrEnum):
    """The resource that sets a kernel's time."""

    MATRIX = "matrix"
    VECTOR = "vector"
    EXPONENT = "exponent"
    L2 = "l2"
    HBM = "hbm"
    LINK = "link"
    LATENCY = "latency"


class KernelFamily(StrEnum):
    """A family of device kernels with one timing law."""

    GEMM = "gemm"
    MOE_GEMM = "moe_gemm"
    ATTENTION_PREFILL = "attention_prefill"
    ATTENTION_DECODE = "attention_decode"
    LINEAR_ATTENTION = "linear_attention"
    VECTOR = "vector"
    KV_WRITE = "kv_write"
    SAMPLING = "sampling"
    COLLECTIVE = "collective"
    HOST = "host"


def values_of(vocabulary: type[StrEnum]) -> tuple[str, ...]:
    """The words of a vocabulary as plain strings, in order (polars wants no subclass of str)."""
    return tuple(word.value for word in vocabulary)


SURFACES: tuple[str, ...] = values_of(Surface)
SERVICE_TIERS: tuple[str, ...] = values_of(ServiceTier)
