"""What a step of the serving engine computes, as the integers that its time depends on."""

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
    """Sum over prompts of context after the chunk (context before + chunk)."""
    emitting: int
    """Sequences that get a token at the end of the step."""
    decoding: int
    """Decoding sequences, one token each."""
    decode_kv: int
    """Sum of their contexts, the new token not counted: prompt and tokens emitted before this step."""
    longest_kv: int
    """Longest context among them."""
