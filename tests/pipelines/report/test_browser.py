"""The report in a real browser: every chart drawn, nothing fetched, nothing cut, nothing on top of each other."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from pipelines.report import ReportContent, write_history, write_report
from pipelines.report.history import PastRun
from tests.pipelines.report.chromium import SCHEMES, WIDTHS, Opened, chromium, opened
from tests.pipelines.report.sample_chips import decision, decisions
from tests.pipelines.report.sample_content import sample_content

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow
PLANTED = "<script>window.planted = 1</script><img src=x onerror='window.planted = 2'>"
LOOKS = [(width, scheme) for width in WIDTHS for scheme in SCHEMES]

SMALL_CHARTS = """() => Object.entries(window.scovilleCharts).filter(([, view]) => view === null).map(([key]) => key)"""
EMPTY_CHARTS = """() => {
  const marks = '.mark-symbol path, .mark-rect path, .mark-line path, .mark-area path, .mark-rule line, .mark-text text';
  const drawn = (chart) => [...chart.querySelectorAll(marks)].filter((mark) => {
    if (mark.closest('.role-axis, .role-legend, .role-title')) { return false; }
    const box = mark.getBoundingClientRect();
    return box.width > 0 || box.height > 0;
  });
  return [...document.querySelectorAll('.chart')].filter((chart) => drawn(chart).length === 0).map((c) => c.id);
}"""
UNTITLED_AXES = """() => {
  const numbered = (axis) => [...axis.querySelectorAll('.role-axis-label text')].some((t) => /[0-9]/.test(t.textContent));
  return [...document.querySelectorAll('.chart')].flatMap((chart) =>
    [...chart.querySelectorAll('.role-axis')].filter((axis) => axis.querySelector('.role-axis-label text')
      && numbered(axis) && !axis.querySelector('.role-axis-title text')
      && !/coordinate/.test('') && axis.getAttribute('aria-label') !== null
      && /quantitative|time|linear|log|discrete/.test(axis.getAttribute('aria-label')) && !/titled/.test(axis.getAttribute('aria-label'))
      && !/discrete/.test(axis.getAttribute('aria-label'))).map(() => chart.id));
}"""
OVERLAPPING_TEXTS = """() => {
  const found = [];
  for (const chart of document.querySelectorAll('.chart')) {
    const groups = ['.role-axis-label text', '.role-legend-label text', '.role-axis-title text'];
    const texts = groups.flatMap((group) => [...chart.querySelectorAll(group)])
      .filter((text) => text.textContent.trim() && getComputedStyle(text).opacity !== '0' && text.getAttribute('opacity') !== '0')
      .map((text) => ({ text: text.textContent, box: text.getBoundingClientRect() })).filter((t) => t.box.width > 0);
    for (let i = 0; i < texts.length; i += 1) {
      for (let j = i + 1; j < texts.length; j += 1) {
        const [a, b] = [texts[i].box, texts[j].box];
        const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (across > 2 && down > 3) { found.push(chart.id + ': ' + texts[i].text + ' / ' + texts[j].text); }
      }
    }
  }
  return found;
}"""
CUT_CHARTS = """() => [...document.querySelectorAll('figure:not(.scroll) .chart')].filter((chart) => {
  const svg = chart.querySelector('svg');
  return svg && svg.getBoundingClientRect().right > chart.getBoundingClientRect().right + 1;
}).map((chart) => chart.id)"""
CUT_TEXTS = """() => [...document.querySelectorAll('.chart svg')].flatMap((svg) => {
  const frame = svg.getBoundingClientRect();
  return [...svg.querySelectorAll('text')].filter((text) => {
    const box = text.getBoundingClientRect();
    return text.textContent.trim() && box.width > 0
      && (box.right > frame.right + 1 || box.left < frame.left - 1 || box.bottom > frame.bottom + 1 || box.top < frame.top - 1);
  }).map((text) => svg.closest('.chart').id + ': ' + text.textContent);
})"""
WIDER_THAN_PAGE = """() => document.documentElement.scrollWidth - document.documentElement.clientWidth"""
PALE_TEXTS = """() => {
  const rgb = (text) => text.match(/[0-9.]+/g).map(Number);
  const light = (c) => { const [r, g, b] = c.map((v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const paper = light(rgb(getComputedStyle(document.documentElement).backgroundColor).slice(0, 3));
  return [...document.querySelectorAll('p, li, h1, h2, h3, h4, figcaption, dt, dd, .role-axis-label text, .role-axis-title text')]
    .filter((item) => item.textContent.trim()).filter((item) => {
      const style = getComputedStyle(item);
      const ink = light(rgb(item.tagName === 'text' ? style.fill : style.color).slice(0, 3));
      return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05) < 4.0;
    }).map((item) => item.textContent.slice(0, 60));
}"""


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample with a planted script in every free text of the telemetry."""
    return write_report(planted(sample_content()), tmp_path_factory.mktemp("reports") / "run").html


@pytest.fixture(scope="module", params=LOOKS, ids=[f"{width}-{scheme}" for width, scheme in LOOKS])
def look(request: pytest.FixtureRequest, browser: "Browser", report: Path) -> "Iterator[Opened]":
    width, scheme = request.param
    seen = opened(browser, report, width=width, scheme=scheme)
    yield seen
    seen.page.context.close()


def planted(content: ReportContent) -> ReportContent:
    """Scripts as the name of a data set, a tenant's design, a kernel, a surface and a reason."""

    def poisoned(frame: pl.DataFrame, *names: str) -> pl.DataFrame:
        return frame.with_columns((pl.col(name).cast(pl.String) + PLANTED).alias(name) for name in names)

    return replace(
        content,
        run=replace(content.run, dataset=f"tenant {PLANTED}", source=PLANTED),
        refused=poisoned(content.refused, "name", "reason"),
        robustness=poisoned(content.robustness, "scenario"),
        service=poisoned(content.service, "surface"),
        doubts=(*content.doubts, PLANTED),
    )


def test_nothing_is_fetched_and_the_console_stays_quiet(look: "Opened") -> None:
    assert look.errors == []
    assert look.requests == []


def test_a_planted_script_does_not_run(look: "Opened") -> None:
    assert look.told("() => document.body.textContent.includes('window.planted = 1')")
    assert look.told("() => window.planted") is None
    assert look.told("() => document.images.length") == 0


def test_every_chart_is_drawn_with_marks(look: "Opened") -> None:
    assert look.told("() => Object.keys(window.scovilleCharts).length") > 30
    assert look.told(SMALL_CHARTS) == []
    assert look.told(EMPTY_CHARTS) == []


def test_every_axis_of_numbers_has_a_title(look: "Opened") -> None:
    assert look.told(UNTITLED_AXES) == []


def test_no_texts_of_axes_and_legends_lie_on_each_other(look: "Opened") -> None:
    assert look.told(OVERLAPPING_TEXTS) == []


def test_nothing_is_cut_and_the_page_never_scrolls_sideways(look: "Opened") -> None:
    assert look.told(WIDER_THAN_PAGE) == 0
    assert look.told(CUT_CHARTS) == []
    assert look.told(CUT_TEXTS) == []


def test_texts_stand_out_from_the_paper(look: "Opened") -> None:
    assert look.told(PALE_TEXTS) == []


def test_a_word_is_explained_on_focus_and_the_contents_lead_to_sections(look: "Opened") -> None:
    tip = look.page.locator(".lead .term").first
    tip.focus()
    assert tip.locator(".tip").is_visible()
    look.page.locator("#contents a", has_text="Evidence").click()
    assert look.page.locator("#evidence").is_visible()
    assert abs(look.told("() => document.getElementById('evidence').getBoundingClientRect().top")) < 60


def test_every_link_leads_to_a_file_or_a_place(look: "Opened", report: Path) -> None:
    links = look.told("() => [...document.querySelectorAll('a')].map((a) => a.getAttribute('href'))")
    write_history(report.parent.parent, (), ())
    missing = [link for link in links if not link.startswith("#") and not (report.parent / link).exists()]
    places = look.told("() => [...document.querySelectorAll('[id]')].map((a) => a.id)")
    missing += [link for link in links if link.startswith("#") and link[1:] not in places]
    assert len(links) > 60
    assert missing == []


def test_print_keeps_charts_whole(browser: "Browser", report: Path) -> None:
    seen = opened(browser, report, width=1280, scheme="dark")
    seen.page.emulate_media(media="print")
    seen.page.set_viewport_size({"width": 700, "height": 1000})
    seen.page.wait_for_function(f"({WIDER_THAN_PAGE})() === 0", timeout=20_000)  # charts are drawn again
    paper = "() => document.documentElement.clientWidth"
    wide = "() => Math.max(...[...document.querySelectorAll('.chart svg')].map((s) => s.getBoundingClientRect().right))"
    assert seen.told(wide) <= seen.told(paper)
    assert seen.told("() => getComputedStyle(document.querySelector('.back')).display") == "none"
    assert seen.page.pdf(format="A4")[:5] == b"%PDF-"
    seen.page.context.close()


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_the_history_page_is_drawn_too(browser: "Browser", tmp_path: Path, width: int, scheme: Any) -> None:
    runs = tuple(_past(at) for at in (3, 2, 1))
    rows = (
        *(replace(row, run_id="run-3") for row in decisions()),
        replace(decision(1, "d-1", "rejected", (PLANTED,)), run_id="run-1"),
    )
    seen = opened(browser, write_history(tmp_path, runs, rows), width=width, scheme=scheme)
    assert seen.errors == []
    assert seen.told("() => window.planted") is None
    assert seen.told(EMPTY_CHARTS) == []
    assert seen.told(UNTITLED_AXES) == []
    assert seen.told(OVERLAPPING_TEXTS) == []
    assert seen.told(WIDER_THAN_PAGE) == 0
    seen.page.context.close()


def _past(at: int) -> PastRun:
    return PastRun(
        run_id=f"run-{at}",
        dataset="synthetic",
        baseline="h100-sxm",
        started_at=f"2026-11-0{at} 08:00 UTC",
        status="succeeded",
        report="",
        checked_count=10 + at,
        inside_count=8 + at,
        mean_error_ratio=0.05,
    )
