"""The key `speculation` of a serving configuration: what drafts, how much, and how often drafts are accepted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hwmodel.catalog.acceptance import acceptance_law
from hwmodel.catalog.errors import CatalogError
from hwmodel.serving.engine import Speculation
from hwmodel.serving.errors import BadConfig, BadSettings

MTP, NGRAM = "mtp", "ngram"
MOST_TOKENS = 16
"""More drafts than anyone makes in a row; each takes a table of attention."""
KEYS = ("draft", "tokens", "acceptance", "alpha", "draft_host_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeculationConfig:
    """Drafts of every decoding call."""

    draft: str
    """`mtp`: a head of one more layer of the LLM, DeepSeek's or EAGLE's; `ngram`: a look at the text so far, by the
    host; or the id of an LLM of the catalogue, on the same ranks."""
    law: Speculation
    """Drafts per step, and the chance that each is accepted."""
    draft_host_s: float = 0.0
    """Host time of drafting that the chip waits for, per step; must be said with `ngram`."""

    @property
    def tokens_count(self) -> int:
        """Drafts per decoding call and step."""
        return self.law.tokens_count

    @property
    def draft_llm(self) -> str | None:
        """The LLM that drafts, where it is one of the catalogue."""
        return None if self.draft in {MTP, NGRAM} else self.draft


def speculation_of(value: object) -> SpeculationConfig | None:
    """What the key states: `draft`, `tokens`, and either `alpha` or `acceptance`.

    `acceptance` is a list with a chance for each draft, that it and all before it are accepted, or the id of a
    published law (`hwmodel/catalog/data/acceptance.yaml`).

    Raises:
        BadConfig: A key is unknown, missing, of another type or out of range.
    """
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise BadConfig(f"speculation is {value!r} and must be a mapping of {', '.join(KEYS)}")
    if unknown := sorted(str(key) for key in value if key not in KEYS):
        raise BadConfig(f"unknown key {', '.join(unknown)} in speculation; known are {', '.join(KEYS)}")
    for name in ("draft", "tokens"):
        _refuse(name not in value, name, None, "set")
    draft, tokens = value["draft"], value["tokens"]
    _refuse(not isinstance(draft, str) or not draft, "draft", draft, "mtp, ngram or the id of an LLM")
    is_count = isinstance(tokens, int) and not isinstance(tokens, bool) and 1 <= tokens <= MOST_TOKENS
    _refuse(not is_count, "tokens", tokens, f"a whole number from 1 to {MOST_TOKENS}")
    host_s = value.get("draft_host_s")
    _refuse(draft == NGRAM and host_s is None, "draft_host_s", host_s, "set with ngram: it is all that drafting takes")
    host_s = 0.0 if host_s is None else host_s
    _refuse(not _is_number(host_s) or host_s < 0.0, "draft_host_s", host_s, "a number of 0 or more")
    return SpeculationConfig(draft=draft, law=_law(value, tokens), draft_host_s=float(host_s))


def _law(value: Mapping[Any, Any], tokens: int) -> Speculation:
    alpha, acceptance = value.get("alpha"), value.get("acceptance")
    if (alpha is None) == (acceptance is None):
        raise BadConfig("speculation must say either acceptance or alpha")
    try:
        if alpha is not None:
            _refuse(not _is_number(alpha) or not 0.0 <= alpha <= 1.0, "alpha", alpha, "a number from 0 to 1")
            return Speculation.geometric(float(alpha), tokens)
        if isinstance(acceptance, str):
            return Speculation(chances=acceptance_law(acceptance).chances(tokens))
        listed = list(acceptance) if isinstance(acceptance, Sequence) else []
        fits = len(listed) == tokens and all(_is_number(chance) for chance in listed)
        _refuse(not fits, "acceptance", acceptance, f"a list of {tokens} numbers, one per draft, or a law's id")
        return Speculation(chances=tuple(float(chance) for chance in listed))
    except (BadSettings, CatalogError) as error:
        raise BadConfig(f"speculation: {error}") from None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _refuse(broken: bool, name: str, value: object, allowed: str) -> None:
    if broken:
        raise BadConfig(f"speculation: {name} is {value!r} and must be {allowed}")
