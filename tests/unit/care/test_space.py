"""Whether the backup will fit is known while the binary is staged, with what to do about it."""

from __future__ import annotations

import errno

import pytest
from tests.support.nights import Night

from cosmovisor.backup import taking
from cosmovisor.care import space


@pytest.fixture
def night(tmp_path) -> Night:
    return Night(tmp_path)


def test_what_the_backup_will_write_and_how_is_said(night):
    (proof,) = space.proofs(night.settings(), str(night.home))
    assert (proof.name, proof.outcome, proof.fix) == ("space", "ok", "")
    assert any(f"by {method} it writes" in proof.text for method in ("reflink", "link", "copy"))
    assert "are free" in proof.text


def test_a_backup_that_will_not_fit_is_a_warning_with_the_way_out(night, monkeypatch):
    monkeypatch.setattr(taking, "free_space", lambda folder: 5 << 20)
    (proof,) = space.proofs(night.settings(), str(night.home))
    assert proof.outcome == "warning"
    assert "will not fit into" in proof.text
    assert "5.0 MiB are free" in proof.text
    assert "DAEMON_DATA_BACKUP_DIR" in proof.fix


def test_a_backup_that_cannot_even_be_forecast_is_a_warning_too(night, monkeypatch):
    def full(*_args, **_given):
        raise OSError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(taking, "flush", full)
    (proof,) = space.proofs(night.settings(), str(night.home))
    assert proof.outcome == "warning"
    assert "cannot be forecast" in proof.text
    assert proof.fix


def test_without_backup_or_data_there_is_nothing_to_fit(night, tmp_path):
    (proof,) = space.proofs(night.settings(cosmovisor_backup="off"), str(night.home))
    assert proof.outcome == "ok"
    assert space.proofs(night.settings(), str(tmp_path / "nowhere")) == ()
    assert space.proofs(night.settings(), "") == ()
