"""An approval lifts everything but a wrong digest, for one file and no other."""

from __future__ import annotations

import os

import pytest

from cosmovisor.care import approve
from cosmovisor.config.layout import Layout
from cosmovisor.model.errors import StagingError
from cosmovisor.model.plan import Plan
from cosmovisor.model.receipts import NotStaged, Proof, StagedBinary
from cosmovisor.model.value import replace
from cosmovisor.staging import prove, ready, record

PLAN = Plan("v2", 100)


@pytest.fixture
def layout(home):
    return Layout(str(home.path), "simd")


@pytest.fixture
def version(home, layout):
    home.binary("upgrades/v2", "#!/nowhere/at/all\n")
    return layout.version_for("v2", recase=True)


def staged(home, layout):
    return ready.check(home.loaded().settings, layout, PLAN)


def test_a_binary_that_was_never_checked_cannot_be_approved(layout, version):
    with pytest.raises(StagingError, match="not checked"):
        approve.approve(layout, version)


def test_a_refused_binary_is_accepted_until_it_changes(home, layout, version):
    prove.prove(layout, version, PLAN, home.environ)
    assert isinstance(staged(home, layout), NotStaged)
    _, lifted = approve.approve(layout, version)
    assert [proof.outcome for proof in lifted] == ["blocking"]
    assert isinstance(staged(home, layout), StagedBinary)
    assert approve.approve(layout, version)[1] == ()
    os.utime(layout.bin(version), (1, 1))
    assert isinstance(staged(home, layout), NotStaged)
    with pytest.raises(StagingError, match="changed"):
        approve.approve(layout, version)


def test_a_wrong_digest_is_never_approved(home, layout, version):
    found = prove.prove(layout, version, PLAN, home.environ)
    wrong = replace(found, proofs=(Proof("digest", "blocking", "it is another file", "Fetch it again."),))
    record.save(layout.proof(version), wrong)
    with pytest.raises(StagingError, match="another file"):
        approve.approve(layout, version)
    assert isinstance(staged(home, layout), NotStaged)


def test_without_a_supervisor_nobody_is_told(layout, version):
    assert approve.tell(layout) is False
