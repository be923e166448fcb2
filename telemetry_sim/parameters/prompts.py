"""How long prompts and answers are, how a prompt grows, and what the prefix cache keeps of it."""

from dataclasses import dataclass

from telemetry_sim.laws import TokenLaw, bounded


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """How long answers are."""

    answer: TokenLaw
    max_tokens: float = bounded(1.0, 1e6)
    reasoning_call_ratio: float = bounded(0.0, 1.0)
    """Calls that think before they answer."""
    reasoning_low_ratio: float = bounded(0.0, 1.0)
    """Thinking calls spend between this and the next share of their output on reasoning (leaning high)."""
    reasoning_high_ratio: float = bounded(0.0, 1.0)
    reasoning_most_ratio: float = bounded(0.0, 1.0)
    """Thinking calls that spend more than the high share on it: nearly everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """How a session's prompt starts, grows, is rewritten and is compacted."""

    fresh_ratio: float = bounded(0.0, 1.0)
    """Sessions that start with a fresh prompt; the others start with resumed or attached context."""
    fresh: TokenLaw
    resumed: TokenLaw
    linked_ratio: float = bounded(0.0, 1.0)
    """Resumed sessions that go on from a prompt of their client's session before, if that one has ended."""
    added: TokenLaw
    """Agents: growth per call, the previous answer included. Chats: the human's message."""
    document_ratio: float = bounded(0.0, 1.0)
    """Chats: later turns that attach a document. Agents: calls just after the first that read a large one."""
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
    turn_lost_ratio: float = bounded(0.0, 1.0)
    """Chance that a prefix is gone at the opening of a turn although it is recent (another route or replica)."""
    lost_ratio: float = bounded(0.0, 1.0)
    """Chance that a prefix is gone although it is recent (eviction, another replica)."""
