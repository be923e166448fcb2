"""Words of the house explained where they stand: on hover, on focus and, on a phone, on a tap; no script needed."""

import re
from functools import cache
from importlib.resources import files

import yaml
from markupsafe import Markup, escape


@cache
def glossary() -> dict[str, str]:
    """Meaning by word, as the report explains them."""
    text = (files("pipelines.report") / "glossary.yaml").read_text(encoding="utf-8")
    words: dict[str, str] = yaml.safe_load(text)
    return words


def defined(text: str) -> Markup:
    """Escaped text in which the first mention of each word of the glossary carries its meaning."""
    parts: list[Markup] = []
    seen: set[str] = set()
    at = 0
    for match in _pattern().finditer(text):
        word = _known(match.group())
        if word in seen:
            continue
        seen.add(word)
        parts += [escape(text[at : match.start()]), explained(match.group(), glossary()[word])]
        at = match.end()
    return Markup("").join([*parts, escape(text[at:])])


def explained(shown: str, meaning: str) -> Markup:
    """A term that can be pointed at, tabbed to and tapped, with its meaning beside it."""
    return Markup('<span class="term" tabindex="0">{}<span class="tip" role="note">{}</span></span>').format(
        shown, meaning
    )


def _known(found: str) -> str:
    words = glossary()
    return next(
        word
        for word in (found, found.lower(), found.removesuffix("s"), found.lower().removesuffix("s"))
        if word in words
    )


@cache
def _pattern() -> re.Pattern[str]:
    longest_first = sorted(glossary(), key=len, reverse=True)
    either = "|".join(f"(?i:{re.escape(word)}s?)" if word.islower() else re.escape(word) for word in longest_first)
    return re.compile(rf"(?<![\w-])(?:{either})(?![\w-])")
