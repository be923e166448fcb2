"""The catalogue as one value: chips, LLMs, lanes and sources by id."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache

from hwmodel.catalog.chip_spec import ChipSpec, Source
from hwmodel.catalog.errors import UnknownId
from hwmodel.catalog.lane import Lane
from hwmodel.catalog.llm import LlmSpec
from hwmodel.catalog.llm_entry import LlmEntry
from hwmodel.catalog.llm_loader import read_llms
from hwmodel.catalog.loader import read_chips, read_data, read_lanes, read_sources

LIST_COMMAND = "scoville chip list"
"""Command that prints every chip of the catalogue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """Everything on file, by id, in file order."""

    chips: Mapping[str, ChipSpec]
    llms: Mapping[str, LlmEntry]
    lanes: Mapping[str, Lane]
    sources: Mapping[str, Source]

    def chip(self, chip_id: str) -> ChipSpec:
        """The chip of this id.

        Raises:
            UnknownId: No such chip; the message names close ids.
        """
        if chip_id not in self.chips:
            raise UnknownId(_unknown("chip", chip_id, self.chips))
        return self.chips[chip_id]

    def llm(self, llm_id: str) -> LlmSpec:
        """The architecture of the LLM of this id.

        Raises:
            UnknownId: No such LLM; the message names close ids.
            MissingSpec: The LLM is listed, but its kernels cannot be told.
        """
        if llm_id not in self.llms:
            raise UnknownId(_unknown("LLM", llm_id, self.llms))
        return self.llms[llm_id].require()

    def lane(self, lane_id: str) -> Lane:
        """The lane of this id.

        Raises:
            UnknownId: No such lane; the message names close ids.
        """
        if lane_id not in self.lanes:
            raise UnknownId(_unknown("lane", lane_id, self.lanes))
        return self.lanes[lane_id]


@cache
def load_catalog() -> Catalog:
    """The catalogue of the package's data files (read once, SI, immutable by convention)."""
    chips, microarchitecture = read_data("chips.yaml"), read_data("microarchitecture.yaml")
    return Catalog(
        chips=read_chips(chips, microarchitecture),
        llms=read_llms(read_data("llms.yaml")),
        lanes=read_lanes(read_data("lanes.yaml")),
        sources=read_sources(chips, microarchitecture),
    )


def _unknown(what: str, wrong: str, known: Iterable[str]) -> str:
    ids = list(known)
    begun = [known_id for known_id in ids if known_id.startswith(wrong.lower())] if wrong else []
    close = list(dict.fromkeys([*begun, *get_close_matches(wrong.lower(), ids, n=3, cutoff=0.4)]))[:3]
    hint = f"close: {', '.join(close)}; " if close else ""
    rest = f"`{LIST_COMMAND}` prints all {len(ids)}" if what == "chip" else f"known: {', '.join(ids)}"
    return f"no {what} {wrong!r} in the catalogue; {hint}{rest}"
