"""The report as one HTML file that loads nothing from anywhere: markup, styles, charts and their script inline."""

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
import vl_convert
from markupsafe import Markup

from pipelines.report.content import ReportContent
from pipelines.report.page import sections
from pipelines.report.picture import chart_spec
from pipelines.report.sections.headline import headline, tiles
from pipelines.report.sections.model import Block, Figure, FigureGrid, Section

_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def render_html(content: ReportContent) -> str:
    """The whole page. Nothing of the content is trusted: all of it is escaped, in markup and in script data.

    A content security policy names the hashes of the two scripts, so that no other script could run and nothing
    could be fetched even if an escape failed.
    """
    return render_page(
        "report.html.j2",
        sections(content),
        run=content.run,
        headline=headline(content),
        tiles=tiles(content),
    )


def render_page(template: str, parts: Sequence[Section], **values: object) -> str:
    """A page of sections, with the styles, the charts of the sections and the script that draws them inline.

    Args:
        template: Name of a template of this package; it gets `sections`, `captions`, `specs`, the styles and scripts.
        parts: The sections.
        values: What else the template asks for.
    """
    figures = {figure.key: figure for section in parts for figure in _figures(section)}
    specs = {key: chart_spec(figure.chart) for key, figure in figures.items()}
    captions = {key: str(spec.pop("title", "")) for key, spec in specs.items()}
    bundle, start = _bundle(), _text("charts.js.j2")
    return (
        _environment()
        .get_template(template)
        .render(
            sections=parts,
            captions=captions,
            style=Markup(_text("report.css")),  # noqa: S704 - a file of this package
            bundle=Markup(bundle),  # noqa: S704 - made by the installed vl-convert
            start=Markup(start),  # noqa: S704 - a file of this package
            specs=script_json(specs),
            policy=_policy(bundle, start),
            **values,
        )
    )


def script_json(value: object) -> Markup:
    """JSON that can stand inside a script element: no `<`, `>` or `&` survives, so nothing can close or open a tag."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for sign, escape in _ESCAPES.items():
        text = text.replace(sign, escape)
    return Markup(text)  # noqa: S704 - escaped above


def _figures(section: Section) -> Iterator[Figure]:
    blocks: list[Block] = [*(block for card in section.cards for block in card.blocks), *section.blocks]
    for block in blocks:
        if isinstance(block, Figure):
            yield block
        elif isinstance(block, FigureGrid):
            yield from block.figures


def _policy(*scripts: str) -> str:
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {hashes} 'unsafe-eval'; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


@cache
def _bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script; takes over a second to make, hence cached."""
    bundle = vl_convert.javascript_bundle()  # type: ignore[call-arg] # the stub misses the default
    return str(bundle).replace("</script", "<\\/script")


def _text(name: str) -> str:
    return (files("pipelines.report") / "templates" / name).read_text(encoding="utf-8")


@cache
def _environment() -> jinja2.Environment:
    def kind_of(block: Any) -> str:
        return type(block).__name__.lower()

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("pipelines.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["kind_of"] = kind_of
    return environment
