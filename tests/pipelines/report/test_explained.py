"""The section on telemetry beside the replay: verdict, tests, both sides, and what is missing with its reason."""

from dataclasses import replace

import pytest

from pipelines.report import render_html
from tests.pipelines.report.sample_content import sample_content
from tests.pipelines.report.sample_explained import explained, held, untold

CONTENT = sample_content()


def page(**changes: object) -> str:
    html = render_html(replace(CONTENT, **changes))  # type: ignore[arg-type]
    return html.split('id="explained"', 1)[1].split("</section>", 1)[0]


@pytest.mark.parametrize(
    ("view", "words"),
    [
        (explained(), "does not give the telemetry of 2026-11-03 its shape"),
        (held(), "this is no proof that it was this one"),
        (explained("untold"), "too little or too even to tell"),
    ],
)
def test_the_verdict_is_said_in_plain_words(view: object, words: str) -> None:
    assert words in page(explained=view)


def test_the_absolute_ratio_is_named_unexplained() -> None:
    html = page()
    assert "Unexplained: " in html
    assert "times are 0.41" in html
    assert "not fitted away" in html


def test_with_one_day_the_section_says_what_a_comparison_needs() -> None:
    html = page(explained=untold())
    assert "a last day apart needs two days or more" in html
    assert "Unexplained" not in html


def test_both_sides_stand_beside_each_other_by_surface() -> None:
    html = page()
    assert "TTFT, telemetry" in html
    assert "TTFT, replay" in html
    assert "long-context chat" in html
