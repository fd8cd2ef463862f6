"""`patch`: a corrected binary for the active version, and back."""

from __future__ import annotations

import json
import os

import pytest

OLD, NEW = "#!/bin/sh\necho old\n", "#!/bin/sh\necho new\n"


@pytest.fixture
def place(home):
    path = home / "cosmovisor/upgrades/v2/bin/simd"
    path.parent.mkdir(parents=True)
    path.write_text(OLD)
    path.chmod(0o755)
    (home / "cosmovisor/current").symlink_to("upgrades/v2")
    return path


def test_the_file_takes_the_place_of_the_active_binary_and_the_former_is_kept(call, home, place, binary):
    inode = place.stat().st_ino
    result = call("patch", binary)
    assert result.status == 0, result.err
    assert f"upgrades/v2 is patched: {place}" in result.out
    assert place.read_text() == NEW
    assert place.stat().st_mode & 0o777 == 0o755
    former = place.with_name("simd.previous")
    assert (former.read_text(), former.stat().st_ino) == (OLD, inode)
    assert os.readlink(home / "cosmovisor/current") == "upgrades/v2"
    assert sorted(os.listdir(place.parent)) == ["simd", "simd.previous"]


def test_one_step_back_and_forth_again(call, place, binary):
    call("patch", binary)
    said = json.loads(call("patch", "--undo", "-o", "json").out)
    assert said == {"version": "upgrades/v2", "path": str(place), "previous": f"{place}.previous"}
    assert place.read_text() == OLD
    call("patch", "--undo")
    assert place.read_text() == NEW


def test_the_first_binary_can_be_patched_without_a_link(call, home, binary):
    path = home / "cosmovisor/genesis/bin/simd"
    path.parent.mkdir(parents=True)
    path.write_text(OLD)
    assert call("patch", binary).status == 0
    assert path.read_text() == NEW


def test_what_cannot_run_is_refused_unless_it_is_forced(call, place, tmp_path):
    empty = tmp_path / "empty"
    empty.touch()
    result = call("patch", empty)
    assert result.status == 1
    assert "is empty" in result.err
    assert "--force" in result.err
    assert place.read_text() == OLD
    assert call("patch", empty, "--force").status == 0


@pytest.mark.parametrize("words", [(), ("--undo", "/x")])
def test_a_file_or_undo(call, place, words):
    result = call("patch", *words)
    assert result.status == 64
    assert "name a file, or --undo" in result.err


def test_without_a_former_or_an_active_binary_nothing_is_done(call, home, place, binary):
    result = call("patch", "--undo")
    assert result.status == 1
    assert "there is no former binary" in result.err
    (home / "cosmovisor/current").unlink()
    (home / "cosmovisor/current").symlink_to("upgrades/v9")
    assert call("patch", binary).status == 1
    assert call("patch", "/nowhere").status == 1
    (home / "cosmovisor/current").unlink()
    (home / "cosmovisor/current").symlink_to("/usr")
    result = call("patch", binary)
    assert result.status == 1
    assert "leads to no version" in result.err
