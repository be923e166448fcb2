"""What the page says of waits, leaving, growth, what emerges and what comes agrees with the content."""

import html
import re
from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from pipelines.report import ReportContent, render_html, render_markdown
from pipelines.report.charts.leaving import MIN_AT_RISK_COUNT, pooled_survival, wilson
from pipelines.report.charts.reuse import idle_name
from pipelines.report.page import sections
from pipelines.report.sections.model import Section, Table
from pipelines.report.sections.questions import answers
from pipelines.report.sections.reuse import pooled_reuse, wanted_lives
from tests.pipelines.report.sample_content import empty_content, sample_content

CONTENT = sample_content()


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{MINUS SIGN}", "-").replace("\N{EN DASH}", "-")


def answer(content: ReportContent, word: str) -> str:
    return next(plain(text) for question, text in answers(content) if word in question)


def section(content: ReportContent, key: str) -> Section:
    return next(part for part in sections(content) if part.key == key)


def rows(content: ReportContent, key: str, table: str) -> list[list[str]]:
    found = next(block for block in section(content, key).blocks if isinstance(block, Table) and block.key == table)
    return [[plain(cell.text) for cell in row] for row in found.rows]


def curve(**columns: list[Any]) -> pl.DataFrame:
    return pl.DataFrame(columns)


def test_every_answer_stands_in_page_and_summary() -> None:
    page = html.unescape(re.sub(r"<script.*?</script>", "", render_html(CONTENT), flags=re.DOTALL))
    summary = re.sub(r"\\(.)", r"\1", html.unescape(render_markdown(CONTENT)))
    assert len(answers(CONTENT)) == 7
    for question, text in answers(CONTENT):
        for place in (page, summary):
            assert question in place
            assert text in place


def test_every_answer_has_a_number_or_says_that_it_is_not_told() -> None:
    assert all(re.search(r"\d", text) for _, text in answers(CONTENT))
    assert all("ot told" in text for _, text in answers(empty_content()))


def test_the_wait_of_the_model_is_its_share_of_session_time() -> None:
    model = CONTENT.waits.filter(pl.col("wait").cast(pl.String).is_in(["queue", "prefill", "decode", "service"]))
    share = float(model["total_s"].sum()) / float(CONTENT.waits["total_s"].sum())
    assert answer(CONTENT, "users wait").startswith(f"{share * 100:.0f} % of session time")


def test_the_clearest_threshold_is_told_with_interval_and_both_chances() -> None:
    text = answer(CONTENT, "leave")
    assert "long-context chat, waits over 7.9 s (7.43 s to 8.45 s)" in text
    assert "within a second rises from 0.4 % to 6.1 %" in text


def test_synthetic_patience_is_called_an_assumption_and_that_of_a_trace_is_not() -> None:
    real = replace(CONTENT, run=replace(CONTENT.run, dataset="support-desk"))
    assert "assumed by the simulator" in answer(CONTENT, "leave")
    assert "assumption of the simulator" in section(CONTENT, "leaving").lead
    assert "simulator" not in answer(real, "leave") + section(real, "leaving").lead


def test_a_chance_far_below_a_percent_is_not_written_as_zero() -> None:
    tiny = CONTENT.thresholds.with_columns(before_ratio=pl.lit(0.00002), after_ratio=pl.lit(0.0007))
    assert {row[-2] for row in rows(replace(CONTENT, thresholds=tiny), "leaving", "thresholds")} == {
        "below 0.01 % to 0.07 %"
    }


def test_growth_of_prompts_is_told_for_the_surface_that_grows_beyond_its_interval() -> None:
    assert "Prompts of coding loop grow fastest, by +1.3 % a day (+0.8 % to +1.9 %)" in answer(CONTENT, "context")
    flat = CONTENT.context_trend.with_columns(growth_low_per_day_ratio=pl.lit(-0.02))
    assert answer(replace(CONTENT, context_trend=flat), "context").startswith(
        "No surface's prompts grow from day to day"
    )


def test_only_flagged_rows_are_shown_as_emerging() -> None:
    risen = rows(CONTENT, "emerging", "risen")
    assert [row[:2] for row in risen] == [["autonomous workflow", "surface"], ["coding loop", "kind of session"]]
    assert [row[5] for row in risen] == ["< 0.001", "0.0024"]
    assert rows(CONTENT, "emerging", "drift") == [
        ["coding loop", "seconds of tools", "1.31\N{MULTIPLICATION SIGN}", "large (0.31)", "< 0.001", "610"]
    ]


def test_nothing_emerging_is_one_line_and_no_section() -> None:
    calm = replace(
        CONTENT,
        emerging=CONTENT.emerging.with_columns(is_emerging=pl.lit(value=False)),
        drift=CONTENT.drift.with_columns(is_drifted=pl.lit(value=False)),
    )
    assert "emerging" not in {part.key for part in sections(calm)}
    assert answer(calm, "emerging").startswith("Nothing: no surface grows")


def test_the_forecast_tells_the_change_beyond_its_range_and_who_has_too_short_a_history() -> None:
    assert "autonomous workflow changes most, +27 % (+19 % to +35 %)" in answer(CONTENT, "coming")
    assert rows(CONTENT, "coming", "forecast")[0] == [
        "coding loop",
        "+4 % (-4 % to +12 %)",
        "+2 % (-1 % to +5 %)",
        "-1 % (-3 % to +1 %)",
        "84 %",
    ]
    table = next(block for block in section(CONTENT, "coming").blocks if isinstance(block, Table))
    assert table.note == "Too short a history: multimodal."


def test_without_a_change_beyond_its_range_the_busiest_surface_is_told() -> None:
    calm = CONTENT.forecast.filter(pl.col("surface").cast(pl.String) == "codex_loop")
    text = answer(replace(CONTENT, forecast=calm), "coming")
    assert "no surface changes beyond its range; coding loop, the busiest, +4 %" in text


def test_a_history_too_short_for_a_forecast_gives_its_reason_and_no_plot() -> None:
    short = replace(CONTENT, forecast=CONTENT.forecast.filter(pl.col("reason").is_not_null()))
    assert answer(short, "coming") == "Not told: 9 days of history; a forecast 7 days ahead is tried on at least 23."
    assert "coming" not in {part.key for part in sections(short)}


def test_a_short_history_tells_growth_within_sessions_and_why_there_is_no_more() -> None:
    lacking = {"context_trend": "it takes 7 days of telemetry, and there are 3"}
    short = replace(CONTENT, context_trend=CONTENT.context_trend.clear(), lacking=lacking)
    text = answer(short, "context")
    assert text.startswith("Within a session, prompts of ")
    assert text.endswith("From day to day: not told, it takes 7 days of telemetry, and there are 3.")
    assert [block.key for block in section(short, "context").blocks if isinstance(block, Table)] == []


def test_costs_of_lost_caches_are_those_of_the_frame_per_day() -> None:
    days = len(CONTENT.run.days)
    own = CONTENT.reuse.filter(pl.col("surface").cast(pl.String) == "codex_loop")
    lost, shared = int(own["lost_tokens"].sum()), int(own["shared_tokens"].sum())
    (row, *_) = rows(CONTENT, "reuse", "reuse")
    assert float(row[1].removesuffix(" %")) == pytest.approx(shared / int(own["input_tokens"].sum()) * 100, abs=0.5)
    assert float(row[2].removesuffix(" %")) == pytest.approx((1 - lost / shared) * 100, abs=0.5)
    assert row[3] == f"{lost / days / 1e6:.3g} M"


def test_hits_are_pooled_over_those_that_report_them() -> None:
    frame = pl.DataFrame(
        {
            "surface": ["codex_loop"] * 2,
            "call_count": [10, 20],
            "input_tokens": [1000, 2000],
            "shared_tokens": [800, 1600],
            "told_count": [10, 5],
            "lost_tokens": [80, 200],
            "hit_ratio": [0.9, 0.5],
            "lost_s": [None, 2.0],
            "lost_low_s": [None, 1.0],
            "lost_high_s": [None, 3.0],
        }
    )
    (row,) = pooled_reuse(frame).to_dicts()
    # 800 shared tokens are told of in the first row, 200 / (1 - 0.5) = 400 in the second
    assert row["hit_ratio"] == pytest.approx(1 - 280 / 1200)
    assert row["reuse_ratio"] == pytest.approx(0.8)
    assert row["lost_s"] == 2.0


def test_a_life_that_only_the_open_band_reaches_is_said_to_be_over_the_last_edge() -> None:
    lives = wanted_lives(CONTENT.cache_life)
    assert lives["codex_loop"] == 3600.0
    assert {row[-1] for row in rows(CONTENT, "reuse", "reuse")} == {"1 h"}
    never = CONTENT.cache_life.with_columns(kept_ratio=pl.when(pl.col("life_s").is_finite()).then(0.5).otherwise(1.0))
    assert {row[-1] for row in rows(replace(CONTENT, cache_life=never), "reuse", "reuse")} == {"over 1 h"}


def test_survival_of_one_day_is_the_days_own_and_of_two_lies_between_them() -> None:
    bands: dict[str, list[Any]] = {"wait_low_s": [0.0, 1.0], "wait_high_s": [1.0, 2.0], "at_risk_count": [400, 100]}
    first = curve(day=[1, 1], survival_ratio=[0.9, 0.72], left_waiting_count=[30, 15], **bands)
    second = curve(day=[2, 2], survival_ratio=[0.8, 0.40], left_waiting_count=[60, 40], **bands)
    alone = pooled_survival(first)
    assert [row["survival"] for row in alone] == pytest.approx([0.9, 0.72])
    both = pooled_survival(pl.concat([first, second]))
    # shares that leave: (0.1 + 0.2) / 2 and (0.2 + 0.5) / 2
    assert [row["survival"] for row in both] == pytest.approx([0.85, 0.85 * 0.65])
    assert all(row["low"] < row["survival"] < row["high"] for row in both)


def test_the_curve_ends_where_too_few_people_still_wait() -> None:
    few = curve(
        day=[1, 1],
        wait_low_s=[0.0, 1.0],
        wait_high_s=[1.0, 2.0],
        at_risk_count=[MIN_AT_RISK_COUNT, MIN_AT_RISK_COUNT - 1],
        survival_ratio=[0.95, 0.5],
        left_waiting_count=[1, 8],
    )
    assert [row["wait_s"] for row in pooled_survival(few)] == [1.0]


def test_wilsons_interval_is_the_published_one() -> None:
    # 10 of 100 at 95 %: 0.0552 to 0.1744 (Newcombe, Stat. Med. 17 (1998) 857)
    assert wilson(0.1, 100) == pytest.approx((0.0552, 0.1744), abs=1e-4)


@pytest.mark.parametrize(
    ("low", "high", "name"),
    [(0.0, 5.0, "0-5 s"), (30.0, 60.0, "30 s-1 min"), (120.0, 300.0, "2-5 min"), (14400.0, None, "4 h +")],
)
def test_a_band_of_idle_time_is_named_in_its_shortest_words(low: float, high: float | None, name: str) -> None:
    assert plain(idle_name(low, high)) == name
