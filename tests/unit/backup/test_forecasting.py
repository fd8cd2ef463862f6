"""The forecast of a backup: a sample of the data tells how long all of it takes."""

from __future__ import annotations

import itertools
import os
import time

import pytest
from tests.support.nights import Night

from cosmovisor.backup import forecasting, methods
from cosmovisor.backup.build import Builder
from cosmovisor.model.errors import BackupError


@pytest.fixture
def night(tmp_path) -> Night:
    return Night(tmp_path)


def never() -> float:
    raise AssertionError("nothing is missing, so nothing is measured")


@pytest.mark.parametrize("method", ["copy", "link"])
def test_data_that_is_small_is_not_multiplied(night, method, monkeypatch):
    """One old file of sixteen bytes among young ones made two minutes out of a tenth of a second."""
    monkeypatch.setattr(methods, "choose", lambda sample, folder: method)
    for path in (night.home / "data").rglob("*"):
        if path.is_file():
            os.utime(path, (1, 1) if path.name == "CURRENT" else None)
    ticks = itertools.count()
    monkeypatch.setattr(forecasting, "_clock", lambda: float(next(ticks)))
    found = forecasting.forecast(night.settings(), str(night.home))
    assert found.seconds == 1.0
    assert 0 < found.bytes <= found.size
    assert os.listdir(night.base) == []


def test_each_file_costs_its_share_and_each_byte_what_bytes_cost():
    ten_of_a_hundred, a_tenth_of_the_bytes = (10, 100), (1000, 10_000)
    assert forecasting.estimate(ten_of_a_hundred, a_tenth_of_the_bytes, 3.0, lambda: 0.001) == 30.0
    assert forecasting.estimate(ten_of_a_hundred, (0, 0), 3.0, never) == 30.0


def test_one_large_file_beside_a_sample_of_small_ones_costs_its_bytes_only():
    found = forecasting.estimate((10, 11), (1000, 10_000_000), 1.0, lambda: 1e-6)
    assert found == pytest.approx(11.1, rel=0.01)


def test_a_sample_that_holds_everything_is_the_forecast():
    assert forecasting.estimate((10, 10), (5, 500), 1.5, never) == 1.5
    assert forecasting.estimate((0, 0), (0, 0), 0.1, never) == 0.1


def test_a_slow_moment_of_the_piece_does_not_make_the_rest_cheaper_than_the_sample():
    assert forecasting.estimate((10, 11), (1000, 1001), 5.0, lambda: 1.0) >= 5.0


def test_a_large_file_is_measured_by_a_piece_of_it(night, monkeypatch):
    monkeypatch.setattr(methods, "choose", lambda sample, folder: "copy")
    monkeypatch.setattr(forecasting, "_SAMPLE_BYTES", 1 << 20)
    with (night.home / "data" / "huge").open("wb") as file:
        file.truncate(1 << 36)
    monkeypatch.setattr(forecasting.taking, "free_space", lambda folder: 1 << 50)
    began = time.monotonic()
    found = forecasting.forecast(night.settings(), str(night.home))
    assert found.bytes > 1 << 36
    assert found.seconds > time.monotonic() - began
    assert os.listdir(night.base) == []


def test_a_file_that_the_node_removes_meanwhile_begins_the_measurement_anew(night, monkeypatch):
    build, calls = Builder.build, []

    def vanishing(self, **given):
        calls.append(1)
        if len(calls) < forecasting._TRIES:
            raise FileNotFoundError(2, "No such file or directory", "000001.log")
        return build(self, **given)

    monkeypatch.setattr(Builder, "build", vanishing)
    assert forecasting.forecast(night.settings(), str(night.home)).seconds > 0
    assert os.listdir(night.base) == []


def test_what_vanishes_again_and_again_is_an_error(night, monkeypatch):
    def vanishing(self, **given):
        raise FileNotFoundError(2, "No such file or directory", "000001.log")

    monkeypatch.setattr(Builder, "build", vanishing)
    with pytest.raises(BackupError, match=r"000001\.log"):
        forecasting.forecast(night.settings(), str(night.home))
    assert os.listdir(night.base) == []
