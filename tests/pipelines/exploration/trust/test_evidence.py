"""The evidence table: every number has a kind and a source."""

from hwmodel.design import space_around
from pipelines.exploration.trust.evidence import evidence_frame
from pipelines.policy import serving_policy
from tests.hwmodel.design.planted import h100
from warehouse.contracts import EvidenceKind, values_of


def test_every_number_has_a_kind_and_a_source() -> None:
    frame = evidence_frame(space_around(h100()).baseline, serving_policy(), allow_estimates=False)
    assert frame["quantity"].n_unique() == len(frame)
    assert set(frame["kind"]) <= set(values_of(EvidenceKind))
    assert (frame["source"].str.len_chars() > 0).all()
    assert frame["value"].is_finite().all()
    for start in ("h100-sxm: ", "timing: ", "cost.", "value of output, codex_loop"):
        assert frame["quantity"].str.starts_with(start).any(), start
