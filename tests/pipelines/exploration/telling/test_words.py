"""Headline and doubts: plain words that say what the findings say and no more."""

from dataclasses import replace

import polars as pl

from pipelines.exploration.telling.words import doubts, headline
from tests.pipelines.exploration.sample_findings import sample_findings
from tests.pipelines.report.sample_content import run_facts


def test_the_headline_names_change_gain_interval_reason_and_size_of_the_search() -> None:
    findings = sample_findings()
    told = headline(run_facts(), findings)
    best = findings.recommendations[0]
    assert told[0].startswith("Change h100-sxm to 6 HBM stacks, 96 MB L2: +23% value per dollar")
    assert "between +9% and +38%" in told[1]
    assert told[2] == best.why[0]
    assert told[3] == "The winner changes in 1 of 8 what-ifs: only long-context chats."
    assert told[4] == "12,960 design points were considered, 5,516 feasible ones scored in closed form, 14 replayed."


def test_the_headline_takes_the_first_recommended_design_not_the_first_finalist() -> None:
    first, second, third = sample_findings().recommendations
    views = (replace(first, recommended=False), second, third)
    assert second.title in headline(run_facts(), sample_findings(recommendations=views))[0]


def test_without_a_recommendation_the_headline_says_so_and_names_the_best() -> None:
    views = tuple(replace(view, recommended=False) for view in sample_findings().recommendations)
    told = headline(run_facts(), sample_findings(recommendations=views))
    assert told[0] == (
        "No change of h100-sxm is recommended for this demand; the best of them, 6 HBM stacks, 96 MB L2, does not "
        "exclude no gain."
    )
    assert not any("Change h100" in line for line in told)
    nothing = headline(run_facts(), sample_findings(recommendations=()))
    assert nothing[0] == "No change of h100-sxm is recommended for this demand."


def test_a_winner_that_stays_is_told_so() -> None:
    steady = sample_findings().robustness.with_columns(changed=pl.lit(value=False))
    assert "stays the same in all 8 what-ifs" in headline(run_facts(), sample_findings(robustness=steady))[3]


def test_unservable_calls_are_counted_once_for_each_llm_and_told() -> None:
    service = pl.DataFrame({"llm": ["a", "a", "b"], "unservable_count": [1200, 1200, 34]})
    told = doubts(sample_findings(service=service))
    assert sum("1,234 calls of the peak window exceed the context" in line for line in told) == 1
    none = doubts(sample_findings(service=service.with_columns(unservable_count=pl.lit(0))))
    assert len(none) == len(told) - 1
    assert not any("unservable" in line for line in none)
