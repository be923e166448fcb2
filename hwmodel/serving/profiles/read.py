"""Reads the kernel profile that `KIND:PATH` names."""

from pathlib import Path

from hwmodel.serving.config import ServingConfig
from hwmodel.serving.errors import BadProfile
from hwmodel.serving.profiles.llmservingsim import ProfileChoice, read_llmservingsim
from hwmodel.serving.profiles.llmservingsim_cost import LlmServingSimCost
from hwmodel.serving.profiles.vidur import read_vidur
from hwmodel.serving.profiles.vidur_cost import VidurCost

ProfileCost = VidurCost | LlmServingSimCost
KINDS = ("vidur:FILE", "llmservingsim:DIR")


def read_profile(named: str, config: ServingConfig) -> ProfileCost:
    """Step costs out of `vidur:FILE` or `llmservingsim:DIR`.

    Raises:
        BadProfile: The kind is unknown, or the profile cannot be read as its layout says.
    """
    kind, _, place = named.partition(":")
    path = Path(place).expanduser()
    if kind == "vidur" and place:
        return read_vidur(
            path,
            layers=config.layers,
            tp=config.tp,
            batching_factor_ratio=config.gqa_attention_factor,
            overhead_s=config.host_overhead_s,
        )
    if kind == "llmservingsim" and place:
        choice = ProfileChoice(tp=config.tp, hardware=config.hardware, model=config.model, variant=config.variant)
        return read_llmservingsim(
            path,
            choice,
            layers=config.layers,
            overhead_s=config.host_overhead_s,
            kv_skew=config.kv_skew,
        )
    raise BadProfile(f"{named!r} names no kernel profile; known are {' and '.join(KINDS)}")
