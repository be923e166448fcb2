"""One call as the literal scheduler sees it."""

from dataclasses import dataclass, field

from hwmodel.serving.engine import Outcome
from hwmodel.serving.reference.blocks import Block, Key


@dataclass(eq=False, slots=True)
class Request:
    """A call, its progress and its blocks."""

    number: int
    input_tokens: int
    output_tokens: int
    loaded_tokens: int
    priority: int
    keys: list[Key] = field(default_factory=list)
    """Content of each of its blocks, prompt and answer."""
    computed_tokens: int = 0
    generated_tokens: int = 0
    is_decoding: bool = False
    """It has all but its newest token computed, and gets one token a step."""
    blocks: list[Block] = field(default_factory=list)
    state_blocks: list[Block] = field(default_factory=list)
    attempts_count: int = 0
    replica: int = -1
    requested_ns: int = -1
    scheduled_ns: int = -1
    first_ns: int = -1
    last_ns: int = -1
    cached_tokens: int = -1
    preemptions_count: int = 0
    outcome: Outcome = Outcome.NOT_REQUESTED

    @property
    def tokens(self) -> int:
        """Prompt and what was generated: what must be computed before the next token."""
        return self.input_tokens + self.generated_tokens

    @property
    def is_over(self) -> bool:
        """Whether nothing more happens to it."""
        return self.outcome > Outcome.OPEN
