"""`adopt` says what the data tells, and does only what a start would do."""

from __future__ import annotations

import os

import pytest

from cosmovisor.care import adopt
from cosmovisor.model.errors import StateError
from cosmovisor.model.state import EMPTY
from cosmovisor.storage import document, locks


def told(view):
    return dict(adopt.examine(view))


def test_a_look_changes_nothing(home):
    home.binary()
    home.upgrade("v2", 100)
    before = sorted(str(path) for path in home.path.rglob("*"))
    view = home.at(150).view()
    assert told(view)["data"].endswith("not recorded yet")
    assert told(view)["block height"] == "150 (block store)"
    assert told(view)["usable binaries"] == "genesis, upgrades/v2"
    assert told(view)["fits this data"] == "upgrades/v2"
    assert sorted(str(path) for path in home.path.rglob("*")) == before


def test_a_home_of_the_original_guide_gets_its_link_to_genesis(home):
    home.binary()
    adopted = adopt.fix(home.at(5_000_000).view())
    assert home.current() == "genesis"
    assert adopted.decision.do == "launch"
    assert len(adopted.done) == 2
    assert not locks.is_held(str(home.root / "supervisor.lock"))
    assert adopt.fix(home.view()).done == ()


@pytest.mark.parametrize(("height", "version"), [(99, "genesis"), (150, "upgrades/v2"), (250, "upgrades/v3")])
def test_a_missing_link_is_rebuilt_from_markers_and_height(home, height, version):
    home.binary()
    home.upgrade("v2", 100)
    home.upgrade("v3", 200)
    adopted = adopt.fix(home.at(height - 2, height - 2).view())
    assert home.current() == version
    assert [line.plan.name for line in document.read(str(home.root / "state.json")).history] == ["v2", "v3"]
    assert adopted.decision.do in {"launch", "pre-upgrade"}


def test_a_link_in_contradiction_to_the_data_is_put_right(home):
    home.binary()
    home.upgrade("v2", 100)
    home.link(str(home.root / "genesis"))
    adopt.fix(home.at(150, 150).view())
    assert home.current() == str(home.root / "upgrades/v2")


def test_an_older_copy_of_the_data_takes_records_and_link_back(home):
    home.binary()
    home.upgrade("v2", 100)
    home.link("upgrades/v2")
    adopt.fix(home.at(150, 150).view())
    os.rename(home.path / "data", home.path / "old")
    (home.path / "data").mkdir()
    view = home.at(50, 50).view()
    assert "not the recorded one" in told(view)["data"]
    adopted = adopt.fix(view)
    assert home.current() == "genesis"
    assert not (home.root / "upgrades/v2/upgrade-info.json").exists()
    assert adopted.decision.do == "launch"


def test_several_candidates_are_left_to_the_operator(home):
    home.binary()
    home.binary("upgrades/v2")
    home.binary("upgrades/v3")
    adopted = adopt.fix(home.view())
    assert adopted.decision.do == "refuse"
    assert not os.path.lexists(home.root / "current")
    with pytest.raises(adopt.AdoptError, match="v9"):
        adopt.fix(home.view(), "v9")
    adopted = adopt.fix(home.view(), "v3")
    assert home.current() == "upgrades/v3"
    assert (adopted.decision.do, adopted.decision.version.folder) == ("launch", "upgrades/v3")


def test_nothing_is_done_beside_a_supervisor_or_a_node(home):
    home.binary()
    for name in ("supervisor.lock", "node.lock"):
        lock = locks.hold(str(home.root / name))
        with pytest.raises(adopt.AdoptError):
            adopt.fix(home.view())
        lock.close()
    assert not os.path.lexists(home.root / "current")


def test_a_damaged_state_document_is_set_aside_and_said(home):
    home.binary()
    (home.root / "state.json").write_text("{ torn")
    view = home.at(7).view()
    assert view.problem
    adopted = adopt.fix(view)
    assert any("state.json" in text for text in adopted.done)
    assert document.read(str(home.root / "state.json")).data is not None


def test_a_document_of_a_newer_version_is_left_alone(home):
    home.binary()
    (home.root / "state.json").write_text('{"schema": 999}')
    with pytest.raises(StateError):
        adopt.fix(home.view())
    assert (home.root / "state.json").read_text() == '{"schema": 999}'


def test_a_missing_data_folder_is_refused(home):
    home.binary()
    (home.path / "data").rmdir()
    adopted = adopt.fix(home.view())
    assert adopted.decision.row == "no data"
    assert document.read(str(home.root / "state.json")) in {None, EMPTY}
