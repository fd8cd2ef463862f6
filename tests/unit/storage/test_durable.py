"""Durable changes leave old or new, in the right order of calls, and clean up behind themselves."""

from __future__ import annotations

import errno
import os
import threading

import pytest
from tests.support.recorder import ERRORS, failing, recording

from cosmovisor.storage import calls, durable


def names(folder) -> list[str]:
    return sorted(os.listdir(folder))


def test_a_file_is_written_synced_renamed_and_its_folder_synced(tmp_path):
    with recording() as seen:
        durable.write_file(f"{tmp_path}/a", b"new", 0o640)
    assert seen.names() == ["create", "write", "fsync", "replace", "open_read", "fsync"]
    assert (tmp_path / "a").read_bytes() == b"new"
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640
    assert names(tmp_path) == ["a"]


def test_a_short_write_is_continued(tmp_path, monkeypatch):
    real = calls.write
    monkeypatch.setattr(calls, "write", lambda fd, data: real(fd, data[:3]))
    durable.write_file(f"{tmp_path}/a", b"0123456789")
    assert (tmp_path / "a").read_bytes() == b"0123456789"


def test_a_link_is_replaced_by_one_rename(tmp_path):
    durable.replace_link(f"{tmp_path}/current", "genesis")
    with recording() as seen:
        durable.replace_link(f"{tmp_path}/current", "upgrades/v2")
    assert seen.names() == ["symlink", "replace", "open_read", "fsync"]
    assert os.readlink(tmp_path / "current") == "upgrades/v2"
    assert names(tmp_path) == ["current"]


def test_a_link_never_replaces_a_folder(tmp_path):
    (tmp_path / "current").mkdir()
    with pytest.raises(OSError):
        durable.replace_link(f"{tmp_path}/current", "genesis")
    assert names(tmp_path) == ["current"]


def test_a_folder_is_synced_whole_before_its_rename(tmp_path):
    partial = tmp_path / "x.partial"
    (partial / "bin").mkdir(parents=True)
    (partial / "bin" / "d").write_bytes(b"binary")
    os.symlink("bin/d", partial / "link")
    with recording() as seen:
        durable.commit_folder(str(partial), f"{tmp_path}/v2")
    assert seen.names() == ["open_read", "fsync"] * 3 + ["replace", "open_read", "fsync"]
    assert (tmp_path / "v2" / "bin" / "d").read_bytes() == b"binary"


def test_a_folder_in_the_way_is_not_merged_into(tmp_path):
    (tmp_path / "x.partial").mkdir()
    (tmp_path / "v2").mkdir()
    (tmp_path / "v2" / "kept").write_bytes(b"")
    with pytest.raises(OSError):
        durable.commit_folder(f"{tmp_path}/x.partial", f"{tmp_path}/v2")
    assert names(tmp_path / "v2") == ["kept"]


def test_folders_are_made_with_their_parents_and_each_is_synced(tmp_path):
    with recording() as seen:
        durable.make_folder(f"{tmp_path}/a/b/", 0o700)
        durable.make_folder(f"{tmp_path}/a/b")
    assert seen.names() == ["mkdir", "open_read", "fsync"] * 2
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


def test_a_file_where_a_folder_should_be_is_an_error(tmp_path):
    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(OSError):
        durable.make_folder(f"{tmp_path}/a")


def test_a_move_between_folders_syncs_both(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    (tmp_path / "a" / "f").write_bytes(b"1")
    with recording() as seen:
        durable.move(f"{tmp_path}/a/f", f"{tmp_path}/b/f")
    assert seen.names().count("fsync") == 2
    assert names(tmp_path / "b") == ["f"]


@pytest.mark.parametrize("able", [True, False])
def test_two_folders_change_places(tmp_path, monkeypatch, able):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"was-{name}").write_bytes(b"")
    if not able:

        def cannot(path, other):
            raise OSError(errno.ENOSYS, "Function not implemented")

        monkeypatch.setattr(calls, "exchange", cannot)
    durable.exchange(f"{tmp_path}/a", f"{tmp_path}/b")
    assert names(tmp_path) == ["a", "b"]
    assert (names(tmp_path / "a"), names(tmp_path / "b")) == (["was-b"], ["was-a"])


def test_a_missing_thing_changes_no_places(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(FileNotFoundError):
        durable.exchange(f"{tmp_path}/a", f"{tmp_path}/b")
    assert names(tmp_path) == ["a"]


def test_removing_is_repeatable(tmp_path):
    (tmp_path / "f").write_bytes(b"")
    (tmp_path / "d" / "e").mkdir(parents=True)
    (tmp_path / "d" / "e" / "f").write_bytes(b"")
    for _ in range(2):
        durable.remove_file(f"{tmp_path}/f")
        durable.remove_tree(f"{tmp_path}/d")
    assert names(tmp_path) == []


def test_removing_a_tree_does_not_follow_links(tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "kept").write_bytes(b"")
    (tmp_path / "d").mkdir()
    os.symlink("../outside", tmp_path / "d" / "link")
    os.symlink("outside", tmp_path / "top")
    durable.remove_tree(f"{tmp_path}/d")
    durable.remove_tree(f"{tmp_path}/top")
    assert names(tmp_path) == ["outside"]
    assert names(tmp_path / "outside") == ["kept"]


def test_a_tree_disappears_by_one_rename_before_its_content_goes(tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "f").write_bytes(b"")
    with recording() as seen:
        durable.remove_tree(f"{tmp_path}/d")
    assert seen.names()[:3] == ["replace", "open_read", "fsync"]


def test_lines_are_appended_and_a_torn_one_is_closed(tmp_path):
    path = tmp_path / "log"
    durable.append_line(str(path), b"one")
    with path.open("ab") as file:
        file.write(b"tor")
    durable.append_line(str(path), b"two")
    assert path.read_bytes() == b"one\ntor\ntwo\n"


def test_a_line_that_cannot_be_written_whole_is_taken_back(tmp_path, monkeypatch):
    path = tmp_path / "log"
    durable.append_line(str(path), b"one")
    real = calls.write
    written = []

    def write(fd, data):
        if written:
            raise OSError(28, "No space left on device")
        written.append(1)
        return real(fd, data[:2])

    monkeypatch.setattr(calls, "write", write)
    with pytest.raises(OSError):
        durable.append_line(str(path), b"two")
    assert path.read_bytes() == b"one\n"


def test_leftovers_of_cuts_are_swept_and_nothing_else(tmp_path):
    for name in (".state.json.7-1.partial", "v2.partial", ".hidden", "state.json"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / ".d.7-2.partial").mkdir()
    assert sorted(durable.sweep(str(tmp_path))) == [".d.7-2.partial", ".state.json.7-1.partial"]
    assert names(tmp_path) == [".hidden", "state.json", "v2.partial"]
    assert durable.sweep(f"{tmp_path}/missing") == []


def test_a_leftover_with_our_own_number_is_stepped_over(tmp_path, monkeypatch):
    monkeypatch.setattr(durable, "_counter", 0)
    (tmp_path / f".a.{os.getpid()}-1.partial").write_bytes(b"old")
    durable.write_file(f"{tmp_path}/a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"


def test_writers_in_several_threads_never_mix(tmp_path):
    contents = [bytes([65 + n]) * 200_000 for n in range(4)]

    def write(data: bytes) -> None:
        for _ in range(10):
            durable.write_file(f"{tmp_path}/a", data)

    threads = [threading.Thread(target=write, args=(data,)) for data in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "a").read_bytes() in contents
    assert names(tmp_path) == ["a"]


OPERATIONS = {
    "write_file": lambda root: durable.write_file(f"{root}/file", b"new"),
    "replace_link": lambda root: durable.replace_link(f"{root}/link", "new"),
    "commit_folder": lambda root: durable.commit_folder(f"{root}/x.partial", f"{root}/final"),
    "move": lambda root: durable.move(f"{root}/file", f"{root}/moved"),
    "make_folder": lambda root: durable.make_folder(f"{root}/a/b"),
    "remove_file": lambda root: durable.remove_file(f"{root}/file"),
    "remove_tree": lambda root: durable.remove_tree(f"{root}/tree"),
    "append_line": lambda root: durable.append_line(f"{root}/file", b"line"),
}


def prepare(root) -> None:
    root.mkdir()
    (root / "file").write_bytes(b"old\n")
    os.symlink("old", root / "link")
    for name in ("x.partial", "tree"):
        (root / name / "bin").mkdir(parents=True)
        (root / name / "bin" / "d").write_bytes(b"binary")


def picture(root) -> dict[str, object]:
    """What is visible: hidden leftovers are not, they are swept at the next start."""
    seen: dict[str, object] = {}
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in folders + files:
            path = os.path.join(folder, name)
            if not name.startswith("."):
                key = os.path.relpath(path, root)
                if os.path.islink(path):
                    seen[key] = os.readlink(path)
                elif os.path.isdir(path):
                    seen[key] = None
                else:
                    with open(path, "rb") as file:
                        seen[key] = file.read()
    return seen


@pytest.mark.parametrize("number", ERRORS)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_each_call_that_fails_leaves_old_or_new_and_the_next_try_succeeds(tmp_path, operation, number):
    run = OPERATIONS[operation]
    prepare(tmp_path / "whole")
    old = picture(tmp_path / "whole")
    with recording() as seen:
        run(tmp_path / "whole")
    new = picture(tmp_path / "whole")
    assert seen.made
    for index in range(len(seen.made)):
        root = tmp_path / str(index)
        prepare(root)
        with failing(index, number), pytest.raises(OSError) as raised:
            run(root)
        assert raised.value.errno == number
        between = [{**old, "a": None}] if operation == "make_folder" else []
        after = picture(root)
        assert after in [old, new, *between], f"call {index}, {seen.made[index]}"
        if operation not in {"append_line", "move", "commit_folder"} or after == old:
            run(root)
            assert picture(root) == new
