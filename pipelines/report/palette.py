"""One colour for each binding resource, surface and kind of wait, readable on white and on near-black paper."""

from warehouse.contracts import BindingResource, Surface

BINDING_COLOURS: dict[str, str] = {
    BindingResource.MATRIX.value: "#4c7fd0",
    BindingResource.VECTOR.value: "#3fa7a0",
    BindingResource.EXPONENT.value: "#7aa63c",
    BindingResource.L2.value: "#b58a2c",
    BindingResource.HBM.value: "#d8733a",
    BindingResource.LINK.value: "#9a6fc4",
    BindingResource.LATENCY.value: "#8b929c",
}
BINDING_NAMES: dict[str, str] = {
    BindingResource.MATRIX.value: "matrix units",
    BindingResource.VECTOR.value: "vector units",
    BindingResource.EXPONENT.value: "exponent units",
    BindingResource.L2.value: "L2 bandwidth",
    BindingResource.HBM.value: "HBM bandwidth",
    BindingResource.LINK.value: "chip-to-chip links",
    BindingResource.LATENCY.value: "fixed latency",
}
SURFACE_COLOURS: dict[str, str] = {
    Surface.CODEX_LOOP.value: "#4573b8",
    Surface.LONG_CONTEXT_CHAT.value: "#d1803a",
    Surface.API_BURST.value: "#4b9b72",
    Surface.MULTIMODAL.value: "#b9587f",
    Surface.ALWAYS_ON_ASSISTANT.value: "#8b72be",
    Surface.AUTONOMOUS_WORKFLOW.value: "#9a8a4a",
}
SURFACE_NAMES: dict[str, str] = {
    Surface.CODEX_LOOP.value: "coding loop",
    Surface.LONG_CONTEXT_CHAT.value: "long-context chat",
    Surface.API_BURST.value: "API burst",
    Surface.MULTIMODAL.value: "multimodal",
    Surface.ALWAYS_ON_ASSISTANT.value: "always-on assistant",
    Surface.AUTONOMOUS_WORKFLOW.value: "autonomous workflow",
}
WAIT_COLOURS: dict[str, str] = {
    "queue": "#c4544e",
    "prefill": "#d9a13b",
    "decode": "#4c7fd0",
    "service": "#7d93c9",
    "tool": "#5b9f76",
    "human": "#a4a9b1",
}
STALL_COLOURS: dict[str, str] = {
    "model": "#4c7fd0",
    "tool": "#5b9f76",
    "queue": "#c4544e",
    "cache_miss": "#9a6fc4",
    "rate_limit": "#d9a13b",
}
STALL_NAMES: dict[str, str] = {
    "model": "slow model call",
    "tool": "slow tool",
    "queue": "queue",
    "cache_miss": "cache miss",
    "rate_limit": "rate limit",
}
DESIGN_COLOURS: dict[str, str] = {
    "baseline": "#8b929c",
    "real chip": "#4c7fd0",
    "candidate": "#b9a46a",
    "recommended": "#d8553a",
}
CHIP_COLOURS: tuple[str, ...] = ("#4c7fd0", "#3fa7a0", "#b58a2c", "#9a6fc4", "#7aa63c", "#b9587f")
"""For real chips side by side."""
BEFORE_AFTER_COLOURS: dict[str, str] = {"gain if added alone": "#4c7fd0", "gain lost if dropped": "#d8733a"}
BASELINE_RULE = "#8b929c"
ACCENT = "#d8553a"


def named(value: str, names: dict[str, str]) -> str:
    """The plain word for a code, or the code itself with its underscores opened."""
    return names.get(value, value.replace("_", " "))


def scale(colours: dict[str, str], names: dict[str, str], present: set[str]) -> tuple[list[str], list[str]]:
    """Domain (plain words) and range (colours) of the codes that are present, in the fixed order."""
    codes = [code for code in colours if code in present]
    return [named(code, names) for code in codes], [colours[code] for code in codes]
