"""What one scheduler step computes: all that the time of a step may depend on."""

from typing import NamedTuple


class StepFeatures(NamedTuple):
    """What a step computes; integers."""

    chunk_tokens: int
    """Prompt tokens computed, all prompts together."""
    chunk_squares: int
    """Sum over prompts of chunk^2."""
    prompt_count: int
    """Prompts with a chunk in this step."""
    prompt_context: int
    """Sum over prompts of chunk x context before the chunk."""
    prompt_kv: int
    """Sum over prompts of the context after the chunk."""
    emitting: int
    """Sequences that get a token at the end of the step."""
    decoding: int
    """Decoding sequences, one token each, drafts apart."""
    decode_kv: int
    """Sum of their contexts, the new token not counted."""
    longest_kv: int
    """Longest context among them."""
    draft_tokens: int = 0
    """Drafts that decoding sequences have verified, all together."""
