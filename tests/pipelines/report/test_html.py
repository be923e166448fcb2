"""The page: every section, nothing trusted, nothing loaded, the same bytes twice."""

import json
import re
import time
from dataclasses import fields, is_dataclass, replace
from html.parser import HTMLParser
from typing import Any

import polars as pl
import pytest

from pipelines.report import ReportContent, render_html, render_json, render_markdown
from pipelines.report.html import render_report, script_json
from pipelines.report.page import artefacts, report_parts, sections
from pipelines.report.sections.first_page import first_page
from tests.pipelines.report.sample_content import empty_content, sample_content

EVIL = "<script>alert(1)</script></script><!--\"'><img src=x onerror=alert(2)> | `x` @all http://evil.example"
ORDER = ["questions", "workload", "coming", "hotspots", "service", "chip-errors", "designs", "interactivity"]
ORDER += ["recommendations", "parts", "bottlenecks", "elasticities", "software", "limits", "predictions", "generations"]
ORDER += ["regret", "thresholds", "robustness", "grounds", "doubts", "refused", "evidence"]
ORDER += ["waits", "context", "leaving", "emerging", "reuse", "decisions", "provenance", "words"]


class Page(HTMLParser):
    """What a browser would make of the page: elements with attributes, and the text of each script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.words: list[str] = []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts[-1] += data
        elif self._inside != "style":
            self.words.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment was opened: {data[:60]}")

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def full() -> str:
    return render_html(sample_content())


def poisoned(value: Any) -> Any:
    """The same content with every text replaced by an attack."""
    if isinstance(value, str):
        return EVIL
    if isinstance(value, pl.DataFrame):
        texts = [name for name, dtype in value.schema.items() if dtype == pl.String]
        return value.with_columns(pl.lit(EVIL).alias(name) for name in texts)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{item.name: poisoned(getattr(value, item.name)) for item in fields(value)})
    if isinstance(value, tuple):
        return tuple(poisoned(item) for item in value)
    if isinstance(value, dict):
        return {f"{EVIL}{index}": poisoned(item) for index, item in enumerate(value.values())}
    return value


@pytest.fixture(scope="module")
def attack() -> ReportContent:
    content = poisoned(sample_content())
    assert isinstance(content, ReportContent)
    # kinds choose colours and sides, units choose formats: closed words that the pipeline itself writes
    return replace(content, designs=content.designs.with_columns(kind=sample_content().designs["kind"]))


def test_every_section_is_there_in_reading_order(full: str) -> None:
    assert [section["id"] for section in Page(full).of("section")] == ORDER


def test_every_chart_has_its_place_and_every_place_its_chart(full: str) -> None:
    page = Page(full)
    places = {str(div["id"]).removeprefix("chart-") for div in page.of("div") if div.get("class") == "chart"}
    assert places == set(json.loads(page.scripts[0]))
    assert len(places) >= 12 + 9


def test_every_figure_has_a_sentence_and_its_axes_have_titles(full: str) -> None:
    page = Page(full)
    assert all(len(str(div["aria-label"])) > 8 for div in page.of("div") if div.get("class") == "chart")
    for key, spec in json.loads(page.scripts[0]).items():
        titles = re.findall(r'"title": ?"([^"]+)"', json.dumps(spec))
        assert titles, f"{key} has no axis title"


def test_hostile_text_creates_no_element_no_attribute_and_no_script(full: str, attack: ReportContent) -> None:
    clean, page = Page(full), Page(render_html(attack))
    assert len(page.scripts) == 3
    assert {tag for tag, _ in page.elements} <= {tag for tag, _ in clean.elements}
    assert not page.of("img")
    handlers = [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert handlers == []
    assert page.scripts[1:] == clean.scripts[1:]
    assert "<" not in page.scripts[0]
    assert EVIL in json.dumps(json.loads(page.scripts[0]), ensure_ascii=False).replace('\\"', '"')
    assert any(EVIL in word for word in page.words)


def test_a_hostile_reason_creates_no_element(full: str) -> None:
    content = empty_content()
    reasons = sample_content().forecast.filter(pl.col("reason").is_not_null()).with_columns(reason=pl.lit(EVIL))
    page = Page(render_html(replace(content, forecast=reasons, lacking=dict.fromkeys(content.lacking, EVIL))))
    assert {tag for tag, _ in page.elements} <= {tag for tag, _ in Page(full).elements}
    assert sum(EVIL in word for word in page.words) >= 3


def test_script_json_survives_the_parser_and_reads_back() -> None:
    value = {"a": "</script><!-- \u2028 & 'x'"}
    text = str(script_json(value))
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == value


def test_markdown_of_hostile_text_holds_no_markup_mention_or_address(attack: ReportContent) -> None:
    text = render_markdown(attack)
    assert "<script" not in text
    assert "<img" not in text
    assert "@all" not in text
    assert "`x`" not in text.replace("\\`", "")
    assert "http://" not in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in rows} <= {4, 6}, "a cell opened a column of its own"


def test_nothing_is_loaded_from_anywhere(full: str) -> None:
    page = Page(full)
    assert not {"link", "img", "iframe", "object", "embed", "base", "form"} & {tag for tag, _ in page.elements}
    for _, attributes in page.elements:
        assert "src" not in attributes
        assert re.fullmatch(r"#[a-z0-9-]+|data/[a-z0-9-]+\.csv|\.\./history\.html", str(attributes.get("href", "#top")))
    policy = next(str(meta["content"]) for meta in page.of("meta") if "http-equiv" in meta)
    assert policy.startswith("default-src 'none'")
    assert "url(" not in full[full.index("<style>") : full.index("</style>")]


def test_a_source_that_tells_nothing_gets_sentences_instead_of_empty_plots() -> None:
    page = Page(render_html(empty_content()))
    assert json.loads(page.scripts[0]) == {}
    notes = [p for p in page.of("p") if "empty" in str(p.get("class"))]
    assert len(notes) >= 14
    assert any("azure-conv reports no latencies" in word for word in page.words)


def test_missing_times_to_first_token_are_shown_as_missing_not_as_zero() -> None:
    content = sample_content()
    card = content.card.with_columns(ttft_p50_s=pl.lit(None, pl.Float64), ttft_p95_s=pl.lit(None, pl.Float64))
    words = Page(render_html(replace(content, card=card))).words
    assert "\N{EN DASH}" in words
    assert any("Not reported by this source: TTFT p50, TTFT p95" in word for word in words)


def test_two_renderings_are_equal_byte_for_byte(full: str) -> None:
    assert render_html(sample_content()) == full
    assert render_json(sample_content()) == render_json(sample_content())
    assert render_markdown(sample_content()) == render_markdown(sample_content())


def test_only_the_stamp_depends_on_the_clock(full: str) -> None:
    content = sample_content()
    later = render_html(replace(content, run=replace(content.run, made_at="LATER")))
    assert later.replace("LATER", content.run.made_at) == full


def test_page_stays_under_four_megabytes_and_five_seconds() -> None:
    started = time.process_time()
    text = render_html(sample_content())
    assert time.process_time() - started < 5.0
    assert len(text.encode()) < 4_000_000


def test_a_page_without_recommendation_says_so() -> None:
    views = tuple(replace(view, recommended=False) for view in sample_content().recommendations)
    page = Page(render_html(replace(sample_content(), recommendations=views, headline=())))
    assert "none" in page.words
    assert [section.cards for section in sections(empty_content()) if section.cards] == []


def test_the_first_page_answers_what_why_and_what_not_before_any_section(full: str) -> None:
    answers = {answer.question: answer for answer in first_page(sample_content())}
    assert list(answers) == [
        "What to change",
        "What it buys",
        "What it costs",
        "How sure",
        "What would overturn it",
        "Fleet today",
    ]
    assert answers["How sure"].figure == "+9 % to +38 %".replace(" %", "\N{NO-BREAK SPACE}%")
    assert len(answers["What it buys"].lines) == 4
    assert "only long-context chats" in answers["What would overturn it"].lines[0]
    assert full.index("What would overturn it") < full.index('<section id="questions">')


def test_every_artefact_of_a_review_is_there_or_named_as_missing() -> None:
    asked = artefacts(report_parts(sample_content()))
    assert len(asked) == 12
    there = {section.key for section in sections(sample_content())}
    assert {item.section for item in asked} - {""} <= there
    assert [item.name for item in asked if not item.section] == ["Elasticities", "Regret over scenarios"]


def test_every_figure_has_a_file_of_its_data_and_a_link_to_it(full: str) -> None:
    page = render_report(sample_content())
    links = {str(a["href"]).removeprefix("data/") for a in Page(full).of("a") if a.get("class") == "data"}
    assert links == set(page.data)
    assert {f"{key}.csv" for key in json.loads(Page(full).scripts[0])} <= links
    for name, text in page.data.items():
        rows = pl.read_csv(text.encode(), infer_schema=False)
        assert rows.height > 0, name
    drawn = pl.read_csv(page.data["pareto.csv"].encode())
    assert drawn.height == sample_content().designs.height
    assert {"value_per_usd_ratio", "value_per_w_ratio"} <= set(drawn.columns)


def test_a_decision_is_shown_with_its_reason() -> None:
    words = Page(render_html(sample_content())).words
    assert any(word == "decided: 2026-11-04 09:12 UTC, accepted: fits the next tape-out" for word in words)
    undecided = replace(sample_content(), decisions=())
    assert not any(word.startswith("decided:") for word in Page(render_html(undecided)).words)


def test_sections_keep_their_order_when_some_have_nothing_to_show() -> None:
    content = sample_content()
    thin = replace(content, calibration=content.calibration.clear(), abandonment=content.abandonment.clear())
    assert [s.key for s in sections(thin)] == [key for key in ORDER if key != "leaving"]
