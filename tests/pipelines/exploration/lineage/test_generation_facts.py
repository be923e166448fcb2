"""Reports of a chain of generations tell all of it, each accepted chip by the change that made it."""

from dataclasses import replace
from pathlib import Path

import polars as pl

from pipelines.exploration.lineage.generation_facts import with_generations
from pipelines.home import HomeFolders
from tests.pipelines.exploration.sample_findings import sample_findings
from tests.pipelines.report.sample_content import sample_content
from warehouse.ledger import Generation

CURVES = ("value_per_usd_ratio", "value_usd_per_j", "value_usd_per_rack_h", "value_usd_per_latency_s")


def chain(count: int) -> list[Generation]:
    moved = {"api_burst": {"price_ratio": 0.8, "latency_ratio": 0.9, "volume_ratio": 1.2}}
    return [
        Generation(
            run_id=f"r{number}",
            number=number,
            previous_run_id=f"r{number - 1}" if number > 1 else None,
            design_id=None,
            elasticity_ratio=1.0,
            moved=moved if number > 1 else {},
        )
        for number in range(1, count + 1)
    ]


def test_a_chain_is_told_from_its_first_generation(tmp_path: Path) -> None:
    folders = HomeFolders(root=tmp_path)
    content = replace(sample_content(), generations=sample_content().generations.clear())
    findings = sample_findings(evaluations=pl.DataFrame({name: [2.0] for name in CURVES}))
    for number in (1, 2):
        folders.report(f"r{number}").mkdir(parents=True)
        told = with_generations(content, findings, chain(number), folders)
    assert told.generations["generation"].to_list() == [1, 2]
    first, second = told.generations.iter_rows(named=True)
    assert first["chip"] == content.run.baseline
    assert second["chip"] == first["next_change"]
    moved = told.generation_surfaces.filter(surface="api_burst").sort("generation")
    assert moved["volume_ratio"].to_list() == [None, 1.2]


def test_a_run_on_its_own_tells_no_chain(tmp_path: Path) -> None:
    content = sample_content()
    assert with_generations(content, sample_findings(), [], HomeFolders(root=tmp_path)) is content
