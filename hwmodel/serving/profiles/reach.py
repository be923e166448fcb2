"""How large steps and calls may be before a profile has no time for them: told before a run, not in its middle."""

from dataclasses import dataclass

from hwmodel.serving.config import ServingConfig
from hwmodel.serving.engine import EngineCalls
from hwmodel.serving.errors import OutsideProfile
from hwmodel.serving.profiles.read import ProfileCost
from hwmodel.serving.profiles.vidur_cost import VidurCost


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Largest sizes that a profile has times for."""

    tokens: int
    """Of a step."""
    sequences: int
    chunk_tokens: int
    """Prompt tokens of a step."""
    context_tokens: int
    """Of a sequence."""


def reach_of(cost: ProfileCost) -> Reach:
    """The largest sizes of a profile."""
    if isinstance(cost, VidurCost):
        contexts = min(cost.decode_ns.shape[1], cost.prefill_ns.shape[0]) - 1
        return Reach(
            tokens=cost.dense_ns.size - 1,
            sequences=cost.decode_ns.shape[0] - 1,
            chunk_tokens=cost.prefill_ns.shape[1] - 1,
            context_tokens=contexts * cost.context_step,
        )
    return Reach(
        tokens=cost.dense_ns.size - 1,
        sequences=min(cost.sampled_ns.size - 1, int(cost.decoding_at[-1])),
        chunk_tokens=int(cost.chunk_at[-1]),
        context_tokens=int(min(cost.history_at[-1], cost.context_at[-1])),
    )


def refuse_beyond(cost: ProfileCost, calls: EngineCalls, config: ServingConfig) -> None:
    """Refuses calls and settings that could ask a profile for what was not measured.

    Raises:
        OutsideProfile: They could; the message gives the setting or call, the limit and the way out.
    """
    reach = reach_of(cost)
    sequences = min(config.max_num_seqs, len(calls))
    prompts = min(config.max_num_batched_tokens, int(calls.input_tokens.sum()))
    longest = int((calls.input_tokens + calls.output_tokens).max()) - 1
    for asked, limit, what, way_out in (
        (sequences, reach.sequences, f"steps of {sequences} sequences", "lower max_num_seqs"),
        (prompts, reach.chunk_tokens, f"steps of {prompts} prompt tokens", "lower max_num_batched_tokens"),
        (max(prompts, sequences), reach.tokens, "steps of that many tokens", "lower max_num_batched_tokens"),
        (longest, reach.context_tokens, f"contexts of {longest} tokens", "leave the longest calls out"),
    ):
        if asked > limit:
            raise OutsideProfile(f"{what} are beyond the {limit} that were measured; {way_out}")
