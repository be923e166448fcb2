"""Parameters of an agent's loop."""

from dataclasses import dataclass

from telemetry_sim.laws import CountLaw, TimeLaw, TokenLaw, bounded

PHASES = ("read_context", "plan", "edit", "test", "observe", "repair", "explain", "continue")
"""Phases of an agent's loop; a phase is coded as its place here, -1 where a surface has none."""
TOOL_KINDS = ("read", "search", "edit", "shell", "web", "agent")
"""Kinds of tool; `agent` runs a sub-agent and its time is that agent's span."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentLoop:
    """An agent's loop: turns, phases, failures, tools, approvals, pauses, sub-agents."""

    calls_shape_ratio: float = bounded(0.1, 50.0)
    """Shape of the Gamma law of calls per session."""
    calls_scale_count: float = bounded(1.0, 5000.0)
    resumed_calls_ratio: float = bounded(0.01, 20.0)
    """Calls of a session that resumes earlier work, over those of one that starts fresh."""
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
    interrupt_ratio: float = bounded(0.0, 0.9)
    """Turns in which the user cuts a call and asks for something else."""
    interrupt_gap: TimeLaw
    """Time until the next request after that."""
    retry_gap_s: float = bounded(0.0, 3600.0)
    """Wait before a failed call is tried again."""
    limited_ratio: float = bounded(0.0, 0.5)
    """Calls that a rate limit refuses."""
    backoff_s: float = bounded(0.01, 600.0)
    """First back-off after a refusal; doubled with each attempt."""
    reject_s: float = bounded(0.001, 10.0)
    """Duration of a refused call."""
    subagent_ratio: float = bounded(0.0, 1.0)
    """Sessions that start a sub-agent."""
    subagent_calls: CountLaw
    subagent_first: TokenLaw
