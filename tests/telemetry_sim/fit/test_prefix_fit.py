"""What shrunk prompts share: a shorter tail keeps the prompt before, a rewriting does not."""

import numpy as np
import polars as pl
import pytest

from telemetry_sim.fit.calls import laid_out
from telemetry_sim.fit.prefix_fit import fit_prefix
from telemetry_sim.fitted.surface import PrefixLaw
from tests.telemetry_sim.fitted.made_traces import loop_trace


def fitted(kept: list[float]) -> PrefixLaw:
    """The law of a trace whose every second call shrinks by a tenth and shares what `kept` says in turn."""
    calls = loop_trace(60).sort("session_id", "step_index")
    tenth = (pl.col("input_tokens").first().over("session_id") * 0.9).cast(pl.Int64)
    shrunk = pl.col("step_index") % 2 == 1
    size = pl.when(shrunk).then(tenth).otherwise(pl.col("input_tokens").first().over("session_id"))
    chosen = pl.Series(np.resize(np.array(kept), calls.height))
    shared = pl.when(shrunk).then((tenth * chosen).cast(pl.Int64)).otherwise("shared_prefix_tokens")
    law = fit_prefix(laid_out(calls.with_columns(input_tokens=size, shared_prefix_tokens=shared)))
    assert law is not None
    return law


def test_prompts_that_only_end_otherwise_are_no_rewritings() -> None:
    law = fitted([0.95])
    assert law.shrunk_tail_ratio == 1.0
    assert law.shrunk_kept_tokens is None


def test_rewritten_prompts_have_a_law_of_their_own() -> None:
    law = fitted([0.3])
    assert law.shrunk_tail_ratio == 0.0
    assert law.shrunk_kept_tokens is not None


def test_a_mixture_is_told_by_its_share() -> None:
    assert fitted([0.95, 0.95, 0.3, 0.3, 0.95]).shrunk_tail_ratio == pytest.approx(0.6, abs=0.1)
