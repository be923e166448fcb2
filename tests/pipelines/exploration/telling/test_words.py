"""Titles, headline and doubts: plain words that say what the findings say and no more."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from hwmodel.design import space_around
from pipelines.errors import BadInput
from pipelines.exploration.designs.titles import design_changes, title_of
from pipelines.exploration.telling.words import doubts, headline
from pipelines.home import HomeFolders
from tests.hwmodel.design.planted import h100
from tests.pipelines.exploration.sample_findings import sample_findings
from tests.pipelines.report.sample_content import run_facts

SPACE = space_around(h100())


def changes_to(**values: float) -> dict[str, tuple[float, float]]:
    return SPACE.changes(list((SPACE.values_of_baseline() | values).values()))


@pytest.mark.parametrize(
    ("values", "title"),
    [
        ({}, "no change"),
        ({"hbm_generation": 2.0, "hbm_stacks_count": 6.0}, "6 HBM stacks, HBM4"),
        ({"cores_count": 112.0}, "112 cores"),
        ({"matrix_flop_per_clk": 2048.0}, "0.5x matrix rate"),
        ({"clock_hz": 2.013e9}, "2.01 GHz"),
        ({"l2_bytes": 100.0 * 2**20}, "100 MB L2"),
        ({"link_bytes_per_s": 900e9}, "900 GB/s links"),
        ({"launch_latency_s": 1.5e-6}, "1.5 \N{MICRO SIGN}s launch"),
        ({"hbm_extra_dies_count": 4.0, "l2_rate_ratio": 1.5}, "1.5x L2 rate, +4 dies per HBM stack"),
        ({"fabric": 1.0, "node": 3.0}, "torus, N3"),
    ],
)
def test_a_title_says_what_changes(values: dict[str, float], title: str) -> None:
    assert title_of(SPACE, changes_to(**values)) == title


def test_every_parameter_of_the_space_has_a_short_name() -> None:
    for parameter in SPACE.parameters:
        before = SPACE.values_of_baseline()[parameter.name]
        other = next((level for level in parameter.levels if level != before), before * 2.0)
        assert title_of(SPACE, {parameter.name: (before, other)})


def test_changes_are_shown_in_display_units() -> None:
    shown = {c.parameter: c for c in design_changes(SPACE, changes_to(l2_bytes=100.0 * 2**20, hbm_generation=2.0))}
    l2, hbm = shown["l2_bytes"], shown["hbm_generation"]
    assert (l2.label, l2.unit, l2.before, l2.after) == ("L2 cache", "MB", 50.0, 100.0)
    assert (hbm.label, hbm.unit) == ("HBM generation (HBM3 to HBM4)", "GB/s per stack")
    assert (hbm.before, hbm.after) == pytest.approx((670.0, 2000.0))


def test_a_choice_is_shown_by_name() -> None:
    level = {p.name: p.levels for p in SPACE.parameters}["node"][-1]
    (node,) = design_changes(SPACE, changes_to(node=level))
    assert node.words is not None
    assert node.words[0] == "N4"
    assert node.words[1] in {"N3", "N2"}


def test_a_stack_of_the_same_rate_is_told_by_what_it_holds() -> None:
    taller = space_around(replace(h100(), hbm_stack_bytes=60e9, hbm_stack_bytes_per_s=2.0e12))
    (stack,) = design_changes(taller, {"hbm_generation": (taller.values_of_baseline()["hbm_generation"], 2.0)})
    assert (stack.unit, stack.before, stack.after) == ("GB per stack", 60.0, 36.0)


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


@pytest.mark.parametrize("run_id", ["../other", "..", "a/b", "", "a\x00b", ".hidden", "x" * 200])
def test_a_run_id_that_is_no_plain_name_has_no_folder(run_id: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is no run id"):
        HomeFolders(root=tmp_path).report(run_id)


def test_a_plain_run_id_has_a_folder_below_the_reports(tmp_path: Path) -> None:
    assert HomeFolders(root=tmp_path).report("20260601-120000-synthetic").parent == tmp_path / "reports"
