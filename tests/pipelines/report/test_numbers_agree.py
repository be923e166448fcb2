"""The three renderings tell the same numbers."""

import html
import json
import re

import pytest

from pipelines.report import render_html, render_json, render_markdown
from pipelines.report.formats import count, gain, percent, usd
from tests.pipelines.report.sample_content import sample_content


@pytest.fixture(scope="module")
def page() -> str:
    return html.unescape(re.sub(r"<script.*?</script>", "", render_html(sample_content()), flags=re.DOTALL))


@pytest.fixture(scope="module")
def summary() -> str:
    return re.sub(r"\\(.)", r"\1", html.unescape(render_markdown(sample_content())))


def test_gains_of_the_json_stand_in_page_and_summary(page: str, summary: str) -> None:
    views = json.loads(render_json(sample_content()))["recommendations"]
    assert len(views) == 3
    for view in views:
        for interval in (view["predicted_gain"], view["silicon_gain"]):
            text = f"{gain(interval['low'])} to {gain(interval['high'])}"
            assert text in page
            assert text in summary
        assert gain(view["reevaluated_gain"]) in page
        assert gain(view["reevaluated_gain"]) in summary
        assert view["title"] in page
        assert view["title"] in summary


def test_fleet_of_the_json_stands_in_page_and_summary(page: str, summary: str) -> None:
    fleet = json.loads(render_json(sample_content()))["fleet"]
    chips, dollars = sum(row["chips_count"] for row in fleet), sum(row["tco_usd_per_h"] for row in fleet)
    for text in (f"{count(chips)} chips", usd(dollars, "/h")):
        assert text in page
        assert text in summary
    assert f"{count(chips)} chips" == "158 chips"


def test_hotspot_shares_of_the_json_stand_in_page_and_summary(page: str, summary: str) -> None:
    bill = json.loads(render_json(sample_content()))["hotspots"]
    total = sum(row["cost_usd"] for row in bill)
    part: dict[tuple[str, str], float] = {}
    for row in bill:
        key = (row["llm"], row["kernel"])
        part[key] = part.get(key, 0.0) + row["cost_usd"]
    (llm, kernel), cost = max(part.items(), key=lambda item: item[1])
    line = next(line for line in summary.splitlines() if llm in line and f"| {kernel} |" in line)
    assert line.rstrip(" |").endswith(percent(cost / total))
    assert percent(cost / total) in page


def test_json_has_every_field_and_no_unreadable_number() -> None:
    content = sample_content()
    read = json.loads(render_json(content), parse_constant=lambda text: pytest.fail(f"{text} in JSON"))
    assert read["format"] == "scoville-report/1"
    assert set(content.__slots__) <= set(read)
    assert len(read["hotspots"]) == content.hotspots.height
    assert read["run"]["days"] == ["2026-11-01", "2026-11-02", "2026-11-03"]
