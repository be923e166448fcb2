"""The numbers that describe a product surface, as frozen dataclasses; their values live in `surfaces/*.yaml`."""

from dataclasses import dataclass

from telemetry_sim.laws import CountLaw, TimeLaw, TokenLaw, bounded
from warehouse.contracts import EvidenceKind, Surface

PHASES = ("read_context", "plan", "edit", "test", "observe", "repair", "explain", "continue")
"""Phases of an agent's loop; a phase is coded as its place here, -1 where a surface has none."""
TOOL_KINDS = ("read", "search", "edit", "shell", "web", "agent")
"""Kinds of tool; `agent` runs a sub-agent and its time is that agent's span."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """How many sessions there are, whose they are and when they start."""

    mean_calls_per_session_count: float = bounded(1.0, 5000.0)
    """Under the incumbent's latency with abandonment on; turns calls per day into sessions per day."""
    sessions_per_client_per_day_count: float = bounded(0.01, 1e5)
    clients_per_tenant_count: float = bounded(1.0, 1e5)
    client_zipf_exponent_ratio: float = bounded(0.0, 3.0)
    """Rate of the client of rank r is proportional to r to minus this."""
    paid_ratio: float = bounded(0.0, 1.0)
    tier_share_ratio: tuple[float, ...] = bounded(0.0, 1.0)
    """Shares of clients by tier: interactive, standard, batch."""
    region_share_ratio: tuple[float, ...] = bounded(0.0, 1.0)
    """Shares of load by region, in the order of `arrivals.REGIONS`."""
    weekend_ratio: float = bounded(0.0, 5.0)
    """Load of a weekend day over a working day, by the client's local calendar."""
    diurnal_ratio: tuple[float, ...] = bounded(0.0, 50.0)
    """Relative load of the 24 local hours; scaled to mean 1 when used."""
    context_growth_per_day_ratio: float = bounded(-0.05, 0.2)
    """Growth of prompt lengths per day since the simulation's first day (products get more context)."""
    error_ratio: float = bounded(0.0, 0.2)
    """Calls that end in a server error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """How long answers are."""

    answer: TokenLaw
    max_tokens: float = bounded(1.0, 1e6)
    reasoning_call_ratio: float = bounded(0.0, 1.0)
    """Calls that think before they answer."""
    reasoning_low_ratio: float = bounded(0.0, 1.0)
    """Thinking calls spend between this and the next share of their output on reasoning (uniform)."""
    reasoning_high_ratio: float = bounded(0.0, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """How a session's prompt starts, grows, is rewritten and is compacted."""

    fresh_ratio: float = bounded(0.0, 1.0)
    """Sessions that start with a fresh prompt; the others start with resumed or attached context."""
    fresh: TokenLaw
    resumed: TokenLaw
    added: TokenLaw
    """Agents: growth per call, the previous answer included. Chats: the human's message."""
    document_ratio: float = bounded(0.0, 1.0)
    """Later turns that attach a document."""
    document: TokenLaw
    limit_tokens: float = bounded(1000.0, 5e6)
    large_limit_ratio: float = bounded(0.0, 1.0)
    """Sessions that run with the large limit."""
    large_limit_tokens: float = bounded(1000.0, 5e6)
    compacted: TokenLaw
    """Length of the prompt after compaction."""
    system_tokens: float = bounded(1.0, 1e6)
    """System prompt and tool definitions: what survives a compaction unchanged."""
    rewrite_ratio: float = bounded(0.0, 1.0)
    """Calls that rewrite an earlier part of the prompt."""
    rewrite_kept_ratio: float = bounded(0.0, 1.0)
    """Largest share of the prefix that a rewrite keeps (uniform from 0)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """What the incumbent's prefix cache keeps."""

    idle_limit_s: float = bounded(0.0, 1e6)
    expired_ratio: float = bounded(0.0, 1.0)
    """Chance that a prefix idle for longer than the limit is gone."""
    lost_ratio: float = bounded(0.0, 1.0)
    """Chance that a prefix is gone although it is recent (eviction, another replica)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """The incumbent's times: TTFT = queue + noise x (fixed + uncached tokens + context term); decode per token."""

    fixed_s: float = bounded(0.0, 60.0)
    uncached_s_per_token: float = bounded(0.0, 0.1)
    context_tokens: tuple[float, ...] = bounded(0.0, 1e8)
    """Knots of the context term."""
    context_s: tuple[float, ...] = bounded(0.0, 1000.0)
    """Context term at the knots, linear between them."""
    decode_s_per_token: float = bounded(1e-5, 1.0)
    first_token_sigma_ratio: float = bounded(0.0, 3.0)
    decode_sigma_ratio: float = bounded(0.0, 3.0)
    capacity_ratio: float = bounded(0.2, 50.0)
    """Capacity of the surface's fleet over the mean load of a working day."""
    queue_s: float = bounded(0.0, 100.0)
    """Mean wait of a waiting call at low load, interactive tier."""
    tier_queue_ratio: tuple[float, ...] = bounded(0.0, 1000.0)
    """The same by tier relative to it: interactive, standard, batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long people wait before they leave: lognormal times to the first and to the last token."""

    watched_ratio: float = bounded(0.0, 1.0)
    """Calls that somebody waits for."""
    first_token: TimeLaw
    last_token: TimeLaw


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentLoop:
    """An agent's loop: turns, phases, failures, tools, approvals, pauses, sub-agents."""

    calls_shape_ratio: float = bounded(0.1, 50.0)
    """Shape of the Gamma law of calls per session."""
    calls_scale_count: float = bounded(1.0, 5000.0)
    turn_length: CountLaw
    """Calls per human request."""
    opening_ratio: tuple[float, ...] = bounded(0.0, 1.0)
    """First phase of a later turn, by phase; the first turn opens with read_context."""
    transition_ratio: tuple[tuple[float, ...], ...] = bounded(0.0, 1.0)
    """Next phase (columns) after a phase that worked (rows)."""
    failure_ratio: tuple[float, ...] = bounded(0.0, 1.0)
    """Chance that a phase's tools fail."""
    give_up_after_count: int = bounded(1, 1000)
    """Repairs in a row after which the agent may hand back to a human."""
    give_up_ratio: float = bounded(0.0, 1.0)
    """Chance per further repair that it does."""
    extra_tool_ratio: float = bounded(0.0, 0.9)
    """Chance of one more parallel tool call (geometric)."""
    tool_share_ratio: tuple[tuple[float, ...], ...] = bounded(0.0, 1.0)
    """Kind of tool (columns: read, search, edit, shell, web) by phase (rows)."""
    tool_median_s: tuple[float, ...] = bounded(1e-3, 1e5)
    tool_sigma_ratio: tuple[float, ...] = bounded(0.0, 4.0)
    tool_slow_ratio: tuple[float, ...] = bounded(0.0, 1.0)
    """Chance by kind that a tool is a slow one (build, test suite, wait)."""
    slow_tool: TimeLaw
    overhead: TimeLaw
    """Time of the client itself around the tools."""
    approval_ratio: float = bounded(0.0, 1.0)
    """Calls whose tools wait for a human's approval."""
    approval: TimeLaw
    human_gap: TimeLaw
    pause_ratio: float = bounded(0.0, 1.0)
    """Calls before which the workflow is interrupted, its state kept."""
    pause: TimeLaw
    retry_gap_s: float = bounded(0.0, 3600.0)
    """Wait before a failed call is tried again."""
    subagent_ratio: float = bounded(0.0, 1.0)
    """Sessions that start a sub-agent."""
    subagent_calls: CountLaw
    subagent_first: TokenLaw


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """A conversation: one call per turn, a human between them, pictures with some."""

    second_turn_ratio: float = bounded(0.0, 1.0)
    """Chance of a second turn."""
    next_turn_ratio: float = bounded(0.0, 0.99)
    """Chance of another turn after the second and later."""
    max_turn_count: int = bounded(1, 1000)
    human_gap: TimeLaw
    image_count_ratio: tuple[float, ...] = bounded(0.0, 1.0)
    """Chance of 0, 1, 2, ... pictures with the first turn."""
    later_image_ratio: float = bounded(0.0, 1.0)
    """Later turns that bring pictures again."""
    image_size_tokens: tuple[float, ...] = bounded(1.0, 1e5)
    image_size_ratio: tuple[float, ...] = bounded(0.0, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiBurst:
    """Stateless requests of tenants: bursts, a system prompt per tenant, a rate limit with back-off."""

    tenant_system: TokenLaw
    tenant_message: TokenLaw
    """Median message of a tenant, over tenants."""
    tenant_answer: TokenLaw
    """Median answer of a tenant, over tenants."""
    message_sigma_ratio: float = bounded(0.0, 4.0)
    answer_sigma_ratio: float = bounded(0.0, 4.0)
    gamma_ratio: float = bounded(0.0, 1.0)
    """Tenants with Gamma gaps; the others have Weibull gaps."""
    gamma_shape_ratio: float = bounded(0.05, 20.0)
    weibull_shape_ratio: float = bounded(0.2, 5.0)
    window_s: float = bounded(60.0, 7200.0)
    window_sigma_ratio: float = bounded(0.0, 3.0)
    """Standard deviation of the log rate over windows."""
    window_memory_ratio: float = bounded(0.0, 0.999)
    """Autocorrelation of the log rate from one window to the next."""
    active_ratio: float = bounded(0.01, 1.0)
    """Windows in which a tenant is active."""
    active_memory_ratio: float = bounded(0.0, 0.999)
    """Autocorrelation of being active."""
    limit_ratio: float = bounded(1.0, 1e4)
    """Rate limit of a tenant over its mean rate."""
    limit_floor_per_s: float = bounded(1e-4, 1e4)
    """No tenant's limit is below this."""
    burst_s: float = bounded(0.1, 3600.0)
    """Quota that a tenant can save up."""
    backoff_s: float = bounded(0.01, 600.0)
    """First back-off; doubled with each attempt."""
    max_attempt_count: int = bounded(1, 12)
    reject_s: float = bounded(0.001, 10.0)
    """Duration of a refused call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Where one number comes from."""

    key: str
    value: str
    source: str
    kind: EvidenceKind


@dataclass(frozen=True, slots=True, kw_only=True)
class SurfaceParameters:
    """Everything that the simulator knows about one surface."""

    surface: Surface
    volume: Volume
    output: Output
    context: Context
    cache: Cache
    latency: Latency
    patience: Patience
    behaviour: AgentLoop | Chat | ApiBurst
    evidence: tuple[Evidence, ...]
