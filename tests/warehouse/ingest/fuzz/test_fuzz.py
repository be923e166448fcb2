"""Damaged traces of every format: a few in the quick suite, thousands in the slow one."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.warehouse.ingest.fuzz.mutations import MUTATIONS, mutate
from tests.warehouse.ingest.fuzz.survival import survives
from tests.warehouse.ingest.seeds import SEEDS, Seed
from warehouse.ingest import FORMATS

CASES = [(name, seed) for name in FORMATS for seed in SEEDS.get(name, ())]
QUICK = 6
"""Mutations of each seed in the quick suite."""
NAMES = [f"{name}-{at}-{seed.name}" for at, (name, seed) in enumerate(CASES)]


def test_every_format_has_a_seed() -> None:
    assert set(SEEDS) == set(FORMATS)


@pytest.mark.parametrize(("name_of_format", "seed"), CASES, ids=NAMES)
def test_a_seed_is_read_and_some_damages_to_it_are_survived(name_of_format: str, seed: Seed) -> None:
    assert survives(name_of_format, seed, seed.content)
    chooser = random.Random(f"{name_of_format} {seed.name}")
    for mutation in chooser.sample(MUTATIONS, QUICK):
        survives(name_of_format, seed, mutation(seed.content, chooser.randint))


@pytest.mark.slow
@pytest.mark.parametrize(("name_of_format", "seed"), CASES, ids=NAMES)
@given(data=st.data())
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
def test_hypothesis_finds_no_damage_that_is_not_survived(name_of_format: str, seed: Seed, data: st.DataObject) -> None:
    survives(name_of_format, seed, mutate(seed.content, lambda low, high: data.draw(st.integers(low, high))))


@pytest.mark.slow
@pytest.mark.parametrize(("name_of_format", "seed"), CASES, ids=NAMES)
def test_hundreds_of_random_damages_are_survived_and_some_leave_rows_to_read(name_of_format: str, seed: Seed) -> None:
    chooser = random.Random(f"many {name_of_format} {seed.name}")
    read = [survives(name_of_format, seed, mutate(seed.content, chooser.randint, 3)) for _ in range(200)]
    assert any(read)
    assert not all(read)
