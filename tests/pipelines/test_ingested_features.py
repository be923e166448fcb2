"""A trace of every format goes through the features of a day and becomes demand, whatever it leaves untold."""

from pathlib import Path

import polars as pl
import pytest

import featurize
from pipelines.policy import serving_policy
from tests.warehouse.ingest.seeds import SEEDS
from warehouse.contracts import (
    ContextGrowth,
    DemandCalls,
    PrefixReuse,
    SessionFeatures,
    StallProfile,
    WaitProfile,
    WorkloadMix,
)
from warehouse.ingest import FORMATS, ingest


@pytest.mark.parametrize("name_of_format", list(FORMATS))
def test_a_trace_becomes_features_and_demand_under_their_contracts(tmp_path: Path, name_of_format: str) -> None:
    seed = SEEDS[name_of_format][0]
    for name, content in {**seed.beside, seed.name: seed.content}.items():
        (tmp_path / name).write_bytes(content)
    read = ingest(name_of_format, tmp_path / seed.name)
    calls, tools, sessions = read.model_calls.lazy(), read.tool_calls.lazy(), read.sessions.lazy()
    SessionFeatures.validate(featurize.session_features(calls, tools, sessions).collect())
    WaitProfile.validate(featurize.wait_profile(calls, tools).collect())
    StallProfile.validate(featurize.stall_profile(calls, tools).collect())
    ContextGrowth.validate(featurize.context_growth(calls).collect())
    WorkloadMix.validate(featurize.workload_mix(calls).collect())
    PrefixReuse.validate(featurize.prefix_reuse(calls).collect())
    demand = DemandCalls.validate(featurize.demand_calls(calls, serving_policy().lazy(), sessions).collect())
    assert set(demand["call_id"]) <= set(read.model_calls["call_id"])
    untold = read.model_calls.filter(pl.col("input_tokens").is_null())
    assert demand.filter(pl.col("call_id").is_in(untold["call_id"].implode()))["imputed"].all()
