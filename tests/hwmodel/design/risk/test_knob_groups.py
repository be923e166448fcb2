"""The table of knob groups against the parameters of the space."""

from hwmodel.design import space_around
from hwmodel.design.risk.knob_groups import CURVE_OF, EXPECTED, MEMBERS, OUTSIDE, KnobGroup, groups_of, parameters_in
from hwmodel.design.space.parameter import KINDS
from tests.hwmodel.design.planted import h100
from warehouse.contracts import Surface


def test_every_parameter_of_the_space_is_in_a_group_or_said_to_be_in_none() -> None:
    grouped = {member.parameter for member in MEMBERS}
    assert grouped | set(OUTSIDE) == set(KINDS)
    assert not grouped & set(OUTSIDE)
    assert set(space_around(h100()).names) <= grouped


def test_a_parameter_stands_in_two_groups_only_where_its_reason_says_so() -> None:
    pairs = [(member.group, member.parameter) for member in MEMBERS]
    assert len(pairs) == len(set(pairs))
    for name in {member.parameter for member in MEMBERS}:
        whys = [member.why for member in MEMBERS if member.parameter == name]
        assert [why.startswith("also here: ") for why in whys] == [False] + [True] * (len(whys) - 1)
        assert len(groups_of(name)) == len(whys)


def test_each_surface_expects_a_group_of_its_own_and_each_group_has_parameters() -> None:
    assert set(EXPECTED) == set(Surface)
    assert set(EXPECTED.values()) == set(KnobGroup) == set(CURVE_OF)
    assert all(parameters_in(group) for group in KnobGroup)
