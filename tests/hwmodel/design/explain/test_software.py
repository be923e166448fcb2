"""Software alone: the same options for either chip, today's settings among them."""

from dataclasses import replace

from hwmodel.catalog import Deployment
from hwmodel.design import evaluate
from hwmodel.design.explain import Replays, software_gains
from hwmodel.design.explain.software import option_of, options, with_software
from hwmodel.serving.engine import Speculation
from tests.hwmodel.design.planted import h100, planted


def test_only_other_number_formats_carry_a_quality_risk() -> None:
    assert {option.activation_dtype for option in options() if not option.is_risky} == {
        Deployment(tp_count=1).activation_dtype
    }
    assert {option.activation_dtype for option in options() if option.is_risky} == {"fp8"}


def test_settings_reach_every_pool_and_are_read_back() -> None:
    scenario = planted()
    option = options()[-1]
    changed = with_software(scenario, option)
    assert option_of(changed) == option
    assert {pool.formats.activation_dtype for pool in changed.pools} == {option.activation_dtype}
    assert option_of(scenario) in options()


def test_a_chip_never_gets_worse_by_settings_since_todays_are_among_them() -> None:
    scenario = planted()
    replays = Replays(scenario=scenario, known={h100().name: evaluate(h100(), scenario)})
    gains = software_gains([("unchanged", h100())], replays, replays_count=1)
    safe, risky = gains
    assert (safe.option.is_risky, risky.option.is_risky) == (False, True)
    assert safe.replayed_ratio is not None
    assert safe.replayed_ratio >= 1.0
    assert (safe.replayed_count, risky.replayed_count) == (2, 1)
    assert safe.scored_count == len(options())
    assert safe.closed_form_ratio > 0.0


def test_drafts_of_a_head_are_offered_to_every_chip_and_carry_no_quality_risk() -> None:
    scenario, law = planted(), Speculation.geometric(0.7, 3)
    drafted = with_software(scenario, replace(option_of(scenario), speculation=law))
    assert {pool.speculation for pool in drafted.pools} == {law}
    assert option_of(drafted).speculation == law
    assert not option_of(drafted).is_risky
    replays = Replays(scenario=scenario, known={h100().name: evaluate(h100(), scenario)})
    chips = [("unchanged", h100()), ("the same again", h100())]
    gains = software_gains(chips, replays, replays_count=0, drafts=law)
    assert [gain.chip for gain in gains] == ["unchanged", "the same again"]
    for gain in gains:
        assert gain.option.speculation == law
        assert gain.replayed_count == 2
        assert gain.replayed_ratio is not None
        assert gain.replayed_ratio > 1.0


def test_drafts_shorten_the_time_per_token_by_less_than_the_tokens_of_a_step() -> None:
    scenario, law = planted(), Speculation.geometric(0.7, 3)
    plain, drafted = (
        evaluate(h100(), with_software(scenario, replace(option_of(scenario), speculation=said)))
        for said in (None, law)
    )
    ratio = plain.percentile("tpot_s", 50.0) / drafted.percentile("tpot_s", 50.0)
    assert 1.0 < ratio < 4.0
    assert drafted.chips_needed < plain.chips_needed


def test_designs_replayed_already_are_not_replayed_again() -> None:
    scenario = planted()
    known = evaluate(h100(), scenario)
    replays = Replays(scenario=scenario, known={h100().name: known})
    assert replays.of([h100(), h100()]) == [known, known]
    assert replays.knows(h100())
