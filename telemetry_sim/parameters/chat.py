"""Parameters of conversations."""

from dataclasses import dataclass

from telemetry_sim.laws import TimeLaw, TokenLaw, bounded


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
    """Shares of pictures of these standard sizes; the others have any size."""
    image_other: TokenLaw
    """Size of the other pictures."""
    image_other_max_tokens: float = bounded(1.0, 1e5)
