"""The report as one HTML file that loads nothing from anywhere: markup, styles, charts and their script inline."""

import base64
import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
import vl_convert
from markupsafe import Markup

from pipelines.report.content import ReportContent
from pipelines.report.definitions import defined, glossary
from pipelines.report.figure_data import FOLDER, figure_csvs, file_name
from pipelines.report.page import artefacts, report_parts
from pipelines.report.picture import chart_spec
from pipelines.report.sections.first_page import first_page
from pipelines.report.sections.headline import headline
from pipelines.report.sections.model import Figure, Section, Table, drawn

_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page and the files that its links lead to."""

    html: str
    data: dict[str, str]
    """CSV text by file name, in the folder `data` beside the page."""


def render_html(content: ReportContent) -> str:
    """The page alone; see `render_report`."""
    return render_report(content).html


def render_report(content: ReportContent) -> Page:
    """The whole page and the data of its figures. Nothing of the content is trusted: all of it is escaped.

    A content security policy names the hashes of the two scripts, so that no other script could run and nothing
    could be fetched even if an escape failed.
    """
    parts = report_parts(content)
    return render_page(
        "report.html.j2",
        [section for part in parts for section in part.sections],
        with_data=True,
        parts=parts,
        run=content.run,
        headline=headline(content),
        answers=first_page(content),
        artefacts=artefacts(parts),
    )


def render_page(template: str, sections: Sequence[Section], *, with_data: bool = False, **values: object) -> Page:
    """A page of sections, with the styles, the charts of the sections and the script that draws them inline.

    Args:
        template: Name of a template of this package; it gets `sections`, `told`, `specs`, the styles and scripts.
        sections: What is on the page.
        with_data: Whether figures link to CSV files, which come with the page.
        values: What else the template asks for.
    """
    items = [item for section in sections for item in drawn(section)]
    specs = {item.key: chart_spec(item.chart) for item in items if isinstance(item, Figure)}
    captions = {key: str(spec.pop("title", "")) for key, spec in specs.items()}
    data = figure_csvs(sections, specs) if with_data else {}
    bundle, start = _bundle(), _text("charts.js.j2")
    html = (
        _environment()
        .get_template(template)
        .render(
            sections=sections,
            told=Told(captions=captions, data=frozenset(data)),
            words=glossary(),
            style=Markup(_text("report.css")),  # noqa: S704 - a file of this package
            bundle=Markup(bundle),  # noqa: S704 - made by the installed vl-convert
            start=Markup(start),  # noqa: S704 - a file of this package
            specs=script_json(specs),
            policy=_policy(bundle, start),
            **values,
        )
    )
    return Page(html=html, data=data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the layout asks of figures and tables: their sentence, and where their data lie."""

    captions: Mapping[str, str]
    data: Collection[str]

    def caption(self, item: Figure) -> str:
        """The sentence that says what to see."""
        return self.captions[item.key]

    def link(self, item: Figure | Table) -> str:
        """Address of the CSV beside the page; empty where there is none."""
        return f"{FOLDER}/{file_name(item)}" if self.data and file_name(item) in self.data else ""


def script_json(value: object) -> Markup:
    """JSON that can stand inside a script element: no `<`, `>` or `&` survives, so nothing can close or open a tag."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for sign, escape in _ESCAPES.items():
        text = text.replace(sign, escape)
    return Markup(text)  # noqa: S704 - escaped above


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
    environment.filters["defined"] = defined
    return environment
