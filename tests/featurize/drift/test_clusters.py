from datetime import timedelta

import numpy as np
import pytest

from featurize.drift import emerging_clusters, emerging_workloads
from tests.featurize.planted_sessions import START, mix_over_days, sessions_over_days
from warehouse.contracts import EmergingWorkloads

RECENT = START + timedelta(days=21)


def test_a_kind_of_session_that_was_rare_before_is_found_with_its_size_and_profile() -> None:
    sessions = sessions_over_days(np.random.default_rng(1), days=28, per_day=250, new_kind=(0.04, 21))
    found = [cluster for cluster in emerging_clusters(sessions, recent_from=RECENT) if cluster.is_emerging]
    assert len(found) == 1
    assert found[0].surface == "codex_loop"
    assert found[0].share_before_ratio < 0.01
    assert found[0].share_now_ratio == pytest.approx(0.04, abs=0.015)
    assert found[0].session_count == pytest.approx(0.04 * 7 * 250, rel=0.35)
    assert "seconds of tools" in found[0].profile
    assert "calls (all:" in found[0].profile


def test_stationary_sessions_have_no_emerging_kind() -> None:
    for seed in range(2):
        rng = np.random.default_rng(10 + seed)
        sessions = sessions_over_days(rng, days=28, per_day=80, unrest=0.1, surfaces=("codex_loop",))
        assert not any(cluster.is_emerging for cluster in emerging_clusters(sessions, recent_from=RECENT))


def test_surfaces_and_clusters_come_in_one_table_what_emerges_first() -> None:
    rng = np.random.default_rng(3)
    sessions = sessions_over_days(rng, days=28, per_day=150, new_kind=(0.06, 21))
    mix = mix_over_days(
        rng, days=28, sizes={"codex_loop": 900.0, "long_context_chat": 900.0}, growth={"codex_loop": (0.03, 0)}
    )
    table = EmergingWorkloads.validate(emerging_workloads(sessions, mix.lazy(), day=START + timedelta(days=27)))
    first = table.filter("is_emerging")
    assert first.select("kind", "surface").rows() == [("surface", "codex_loop"), ("cluster", "codex_loop")]
    assert table["is_emerging"].to_list()[: len(first)] == [True] * len(first)
    assert "a day over" in first["profile"][0]
    assert set(table.filter(kind="surface")["surface"]) == {"codex_loop", "long_context_chat"}


def test_the_same_seed_gives_the_same_clusters() -> None:
    sessions = sessions_over_days(np.random.default_rng(4), days=28, per_day=60)
    assert emerging_clusters(sessions, recent_from=RECENT) == emerging_clusters(sessions, recent_from=RECENT)
