"""Published laws by which drafts of speculative decoding are accepted, each with its source and kind."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from hwmodel.catalog.errors import BadSpec, UnknownId
from hwmodel.catalog.loader import read_data
from warehouse.contracts.vocabulary import EvidenceKind


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptanceLaw:
    """How often drafts were accepted in one published run."""

    id: str
    draft: str
    llm: str
    text: str
    """What was generated: acceptance follows it more than anything else."""
    by_place: tuple[float, ...] | None
    """Share of steps in which the draft at each place was accepted."""
    alpha: float | None
    """Of the geometric law, where places are not told."""
    kind: EvidenceKind
    source: str
    note: str

    def chances(self, tokens_count: int) -> tuple[float, ...]:
        """By place of the first drafts: the chance that it, and so all before it, is accepted.

        Raises:
            BadSpec: Fewer places were published.
        """
        if self.alpha is not None:
            return tuple(self.alpha ** (place + 1) for place in range(tokens_count))
        known = self.by_place or ()
        if tokens_count > len(known):
            raise BadSpec(
                f"acceptance {self.id} is known for {len(known)} drafts, not for {tokens_count}: ask for fewer"
            )
        return known[:tokens_count]


@cache
def load_acceptance() -> Mapping[str, AcceptanceLaw]:
    """All laws by id, in file order."""
    return {entry["id"]: _law(entry) for entry in read_data("acceptance.yaml")["laws"]}


def acceptance_law(law_id: str) -> AcceptanceLaw:
    """The law of this id.

    Raises:
        UnknownId: No such law; the message names all.
    """
    laws = load_acceptance()
    if law_id not in laws:
        raise UnknownId(f"no acceptance law {law_id!r} in the catalogue; known: {', '.join(laws)}")
    return laws[law_id]


def _law(entry: Mapping[str, Any]) -> AcceptanceLaw:
    if (entry["by_place"] is None) == (entry["alpha"] is None):
        raise BadSpec(f"acceptance {entry['id']} must tell either by_place or alpha")
    by_place = None if entry["by_place"] is None else tuple(float(share) for share in entry["by_place"])
    return AcceptanceLaw(
        **{**entry, "by_place": by_place, "kind": EvidenceKind(entry["kind"])},
    )
