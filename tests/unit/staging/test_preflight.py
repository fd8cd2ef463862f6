"""Preflight: each fact that would make exec or the loader fail is found, and nothing else blocks."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys

import pytest
from tests.support import binaries

from cosmovisor.staging import elf, loader, preflight, writers
from cosmovisor.staging.platforms import Platform


def blocking(path, folders=(), environ=None):
    proofs = preflight.examine(str(path), folders, environ if environ is not None else dict(os.environ))
    return [proof for proof in proofs if proof.outcome == "blocking"]


def test_a_static_program_of_this_machine_passes_and_really_runs(tmp_path):
    path = binaries.place(str(tmp_path / "testd"), binaries.elf())
    assert not blocking(path)
    assert os.spawnv(os.P_WAIT, path, [path]) == 0


@pytest.mark.parametrize("program", [sys.executable, shutil.which("ls")])
def test_real_programs_of_this_machine_pass(program):
    assert not blocking(program)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty (0 bytes)"),
        (b"\0" * 5000, "zero bytes"),
        (b"\x7fELF", "cut short"),
        (binaries.elf(size=5000)[:4000], "cut short"),
        (binaries.elf()[:70], "cut short"),
        (binaries.elf(binaries.FOREIGN), "is built for"),
        (binaries.elf(interpreter="/lib64/no-such-loader.so.2"), "its loader"),
        (binaries.elf(interpreter="/lib/ld-musl-none.so.1"), "its loader"),
        (b"MZ" + b"\0" * 100, "program for Windows"),
        (b"\xcf\xfa\xed\xfe" + b"\0" * 100, "program for macOS"),
        (b"\x1f\x8b\x08" + b"\0" * 100, "gzip archive"),
        (b"PK\x03\x04" + b"\0" * 100, "zip archive"),
        (b"!<arch>\ndebian-binary", "Debian package"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"Apache License\nVersion 2.0\n", "neither an ELF program nor a script"),
        (b"#!\n", "names no interpreter"),
        (b"#!/no/such/shell\n", "interpreter /no/such/shell is missing"),
        (b"#!/bin/sh\r\n", "carriage return"),
        (b"#!/usr/bin/env no-such-interpreter-here\n", "not in PATH"),
    ],
)
def test_what_exec_or_the_loader_would_refuse_blocks_with_its_reason(tmp_path, content, words):
    path = binaries.place(str(tmp_path / "testd"), content)
    assert any(words in proof.text for proof in blocking(path)), blocking(path)


def test_a_script_passes_and_says_that_its_needs_are_unknown(tmp_path):
    path = binaries.place(str(tmp_path / "testd"), b"#!/bin/sh\nexit 0\n")
    assert not blocking(path)


def test_folders_missing_files_and_modes_block(tmp_path):
    assert "not a regular file" in blocking(tmp_path)[0].text
    assert "cannot look at" in blocking(tmp_path / "none")[0].text
    path = binaries.place(str(tmp_path / "testd"), binaries.elf(), 0o644)
    assert "not executable" in blocking(path)[0].text


def test_a_link_is_a_warning(tmp_path):
    binaries.place(str(tmp_path / "real"), binaries.elf())
    os.symlink("real", tmp_path / "testd")
    proofs = preflight.examine(str(tmp_path / "testd"), (), {})
    assert [proof.name for proof in proofs if proof.outcome == "warning"] == ["link"]


def _loader_of_this_machine():
    return elf.parse(shutil.which("ls")).interpreter


def test_a_missing_library_blocks_and_lib_beside_bin_cures_it(tmp_path):
    data = binaries.elf(interpreter=_loader_of_this_machine(), needed=("libwasmvm.x86_64.so",))
    path = binaries.place(str(tmp_path / "bin" / "testd"), data)
    found = blocking(path)
    assert "libwasmvm.x86_64.so" in found[0].text
    assert "lib/ beside bin/" in found[0].fix
    binaries.place(str(tmp_path / "lib" / "libwasmvm.x86_64.so"), binaries.elf())
    assert not blocking(path, [str(tmp_path / "lib")])


def test_a_library_of_another_machine_is_as_good_as_missing(tmp_path):
    data = binaries.elf(interpreter=_loader_of_this_machine(), needed=("liba.so",))
    path = binaries.place(str(tmp_path / "testd"), data)
    binaries.place(str(tmp_path / "lib" / "liba.so"), binaries.elf(binaries.FOREIGN))
    assert "liba.so" in blocking(path, [str(tmp_path / "lib")])[0].text


def test_a_library_that_a_library_needs_is_looked_for_too(tmp_path):
    path = binaries.place(
        str(tmp_path / "testd"), binaries.elf(interpreter=_loader_of_this_machine(), needed=("liba.so",))
    )
    binaries.place(str(tmp_path / "lib" / "liba.so"), binaries.elf(needed=("libb.so",)))
    assert "libb.so, needed by liba.so" in blocking(path, [str(tmp_path / "lib")])[0].text


def test_a_loader_in_an_unknown_place_makes_a_missing_library_an_opinion(tmp_path):
    other = str(tmp_path / "ld-linux-odd.so.2")
    shutil.copy(_loader_of_this_machine(), other)
    path = binaries.place(str(tmp_path / "testd"), binaries.elf(interpreter=other, needed=("libnone.so",)))
    proofs = preflight.examine(path, (), {})
    assert [proof.outcome for proof in proofs if proof.name == "libraries"] == ["warning"]


def test_a_newer_glibc_than_this_machine_has_blocks(tmp_path):
    library = str(tmp_path / "lib" / "libc.so.6")
    needs = elf.Elf(
        "amd64",
        64,
        True,
        "/lib64/ld",
        needed=("libc.so.6",),
        versions=(
            elf.VersionNeed("libc.so.6", "GLIBC_2.999", False),
            elf.VersionNeed("libc.so.6", "GLIBC_9", True),
        ),
    )
    has = elf.Elf("amd64", 64, True, defines=("GLIBC_2.2.5", "GLIBC_2.31", "GLIBC_PRIVATE"))
    proofs = loader._versions(library, needs, {"libc.so.6": has})
    assert [proof.text for proof in proofs] == [
        "libc.so.6 needs GLIBC_2.999 of libc.so.6, this machine has GLIBC_2.31"
    ]


def test_the_versions_of_real_libraries_are_read_as_readelf_reads_them():
    from elftools.elf.elffile import ELFFile
    from elftools.elf.gnuversions import GNUVerNeedSection

    program = os.path.realpath(shutil.which("ls"))
    with open(program, "rb") as file:
        theirs = ELFFile(file)
        sections = [part for part in theirs.iter_sections() if isinstance(part, GNUVerNeedSection)]
        expected = {
            (need.name, version.name)
            for part in sections
            for need, versions in part.iter_versions()
            for version in versions
        }
        needed = [tag.needed for tag in theirs.get_section_by_name(".dynamic").iter_tags("DT_NEEDED")]
    ours = elf.parse(program)
    assert {(need.library, need.version) for need in ours.versions} == expected
    assert list(ours.needed) == needed


def test_a_file_open_for_writing_is_noticed_until_its_writer_closes_it(tmp_path):
    path = binaries.place(str(tmp_path / "testd"), binaries.elf())
    assert not writers.is_being_written(path)
    with open(path, "ab"):
        assert writers.is_being_written(path)
        assert writers._by_proc(path)
    with open(path, "rb"):
        assert not writers.is_being_written(path)
        assert not writers._by_proc(path)


def test_windows_and_mac_platforms_refuse_linux_programs(tmp_path):
    path = binaries.place(str(tmp_path / "testd"), binaries.elf())
    proofs = preflight.examine(path, (), {}, Platform("darwin", "arm64"))
    assert [proof.outcome for proof in proofs] == ["blocking"]


@pytest.mark.parametrize("cut", range(0, 400, 7))
def test_no_damage_to_an_elf_file_breaks_the_reader(tmp_path, cut):
    data = bytearray(binaries.elf(interpreter="/lib/ld", needed=("liba.so", "libb.so")))
    for value in (0xFF, 0x80, 0x00):
        changed = data[:]
        changed[cut % len(data)] = value
        path = binaries.place(str(tmp_path / f"e{value}"), bytes(changed))
        with contextlib.suppress(elf.ElfError):
            elf.parse(path)


def test_who_else_can_change_the_file_is_said_with_the_way_to_end_it(tmp_path):
    path = binaries.place(str(tmp_path / "testd"), binaries.elf())
    found = os.stat(path)
    mine = preflight._owner(path, found)
    assert mine == []
    foreign = os.stat_result((0o100755, *found[1:4], os.geteuid() + 4321, *found[5:]))
    (proof,) = preflight._owner(path, foreign)
    assert (proof.outcome, proof.fix) == ("warning", f"chown {os.geteuid()} {path}")
    loose = os.stat_result((0o100777, *found[1:]))
    (proof,) = preflight._owner(path, loose)
    assert (proof.outcome, proof.fix) == ("warning", f"chmod go-w {path}")
