"""What-ifs on a small real replay: winners that change, and one that never does."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import polars as pl
import pytest

from pipelines.exploration.trust.robustness import robustness_frame
from tests.hwmodel.design.test_patience import CHAT_CURVE
from tests.pipelines.exploration.pair_of_designs import Pair, small_pair
from warehouse.contracts import SURFACES


@pytest.fixture(scope="module")
def pair() -> Pair:
    return small_pair()


def what_ifs(pair: Pair, ratios: dict[str, float]) -> pl.DataFrame:
    """The rival serves so many times the baseline's value on each surface."""
    factor = np.array([ratios.get(surface, 1.0) for surface in SURFACES])
    part = pair.base.pools[0]
    rival = replace(pair.base, pools=(replace(part, value_by_surface=part.value_by_surface * factor),))
    final, view = SimpleNamespace(evaluation=rival), SimpleNamespace(title="rival")
    inputs = SimpleNamespace(abandonment=CHAT_CURVE)
    return robustness_frame(cast("Any", inputs), pair.base, cast("Any", [final]), cast("Any", [view]))


def test_a_winner_that_leads_on_every_surface_never_changes(pair: Pair) -> None:
    found = what_ifs(pair, {"codex_loop": 1.2, "long_context_chat": 1.2})
    valued = found.filter(pl.col("scenario").str.starts_with("value of") | (pl.col("scenario") == "today"))
    assert set(valued["winner"]) == {"rival"}
    assert valued["winner_gain_ratio"].to_list() == pytest.approx([0.2] * len(valued))
    assert not valued["changed"].any()


def test_a_winner_of_one_surface_alone_is_found_out(pair: Pair) -> None:
    codex, chat = (pair.base.value_by_surface[SURFACES.index(s)] for s in ("codex_loop", "long_context_chat"))
    found = what_ifs(pair, {"codex_loop": 0.9, "long_context_chat": 1.0 + 0.15 * codex / chat})
    rows = {row["scenario"]: row for row in found.iter_rows(named=True)}
    assert (rows["today"]["winner"], rows["today"]["changed"]) == ("rival", False)
    assert rows["value of codex_loop doubled"]["winner"] == "the baseline"
    assert rows["value of codex_loop doubled"]["changed"]
    assert rows["value of long_context_chat halved"]["changed"]
    assert not rows["value of long_context_chat doubled"]["changed"]
    assert {"nobody leaves", "users leave at the low end", "users leave at the high end"} <= set(rows)
