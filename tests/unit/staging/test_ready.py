"""Readiness: a record and a few stats decide; whatever has changed needs a new proof."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from tests.support import binaries

from cosmovisor.model.plan import Plan
from cosmovisor.model.receipts import NotStaged, StagedBinary
from cosmovisor.model.value import replace
from cosmovisor.staging import prove, ready, record

PLAN = Plan("v2", 100, "info")


@pytest.fixture
def home(tmp_path):
    settings, layout = binaries.settings(tmp_path), binaries.layout(tmp_path)
    version = layout.version_for("v2", True)
    binaries.place(layout.bin(version), binaries.elf())
    prove.prove(layout, version, PLAN, {})
    return settings, layout, version


def test_a_proven_binary_is_ready_with_its_digest(home):
    settings, layout, version = home
    staged = ready.check(settings, layout, PLAN)
    assert isinstance(staged, StagedBinary)
    assert (staged.path, staged.source, staged.trust) == (layout.bin(version), "hand", "hand")
    assert staged.sha256 == prove.sha256_of(staged.path)


def test_a_plan_that_only_moves_keeps_its_proof(home):
    settings, layout, _ = home
    assert isinstance(ready.check(settings, layout, Plan("v2", 999, "info")), StagedBinary)


@pytest.mark.parametrize("plan", [Plan("v2", 100, "other info"), Plan("V2", 100, "info")])
def test_a_binary_placed_by_hand_is_proven_for_its_folder_whatever_the_plan_says(home, plan):
    settings, layout, _ = home
    assert isinstance(ready.check(settings, layout, plan), StagedBinary)


@pytest.mark.parametrize("plan", [Plan("v2", 100, "other info"), Plan("V2", 100, "info")])
def test_what_was_fetched_for_one_plan_needs_a_new_proof_for_another(home, plan):
    settings, layout, version = home
    kept = record.load(layout.proof(version))
    record.save(layout.proof(version), replace(kept, source="https://example.org/testd"))
    found = ready.check(settings, layout, plan)
    assert isinstance(found, NotStaged)
    assert "plan has changed" in found.reason


def test_a_file_changed_after_the_proof_is_not_ready(home):
    settings, layout, version = home
    with open(layout.bin(version), "ab") as file:
        file.write(b"x")
    assert "has changed" in ready.check(settings, layout, PLAN).reason


def test_a_file_touched_back_to_its_old_time_is_not_ready(home):
    settings, layout, version = home
    path = layout.bin(version)
    times = os.stat(path)
    binaries.place(path, binaries.elf()[:-1] + b"x")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert isinstance(ready.check(settings, layout, PLAN), NotStaged)


def test_a_library_added_later_is_not_ready(home):
    settings, layout, version = home
    binaries.place(os.path.join(layout.libraries(version), "libx.so"), b"x")
    assert "libraries" in ready.check(settings, layout, PLAN).reason


def test_a_folder_that_differs_in_case_is_compared_first(home):
    settings, layout, version = home
    binaries.place(os.path.join(layout.upgrades, "V2", "bin", "testd"), b"another")
    assert "differ only in case" in ready.check(settings, layout, PLAN).reason
    prove.prove(layout, version, PLAN, {})
    assert "hold different binaries" in ready.check(settings, layout, PLAN).reason
    binaries.place(os.path.join(layout.upgrades, "V2", "bin", "testd"), binaries.elf())
    prove.prove(layout, version, PLAN, {})
    assert isinstance(ready.check(settings, layout, PLAN), StagedBinary)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"schema": 99}', b"\xff" * 50, b"[" * 100000])
def test_a_broken_record_is_no_record(home, content):
    settings, layout, version = home
    with open(layout.proof(version), "wb") as file:
        file.write(content)
    assert "not proven yet" in ready.check(settings, layout, PLAN).reason


def test_no_binary_no_readiness(tmp_path):
    found = ready.check(binaries.settings(tmp_path), binaries.layout(tmp_path), PLAN)
    assert "there is no binary" in found.reason
    assert "upgrades/v2/bin/testd" in found.fix


def test_a_blocking_proof_says_its_reason_and_an_approval_lifts_all_but_a_wrong_digest(home):
    settings, layout, version = home
    binaries.place(layout.bin(version), binaries.elf(binaries.FOREIGN))
    found = prove.prove(layout, version, PLAN, {})
    assert "is built for" in ready.check(settings, layout, PLAN).reason
    record.save(layout.proof(version), record.approve(found))
    assert isinstance(ready.check(settings, layout, PLAN), StagedBinary)
    record.save(
        layout.proof(version),
        record.approve(prove.prove(layout, version, PLAN, {}, pins=frozenset(["0" * 64]))),
    )
    assert "pinned" in ready.check(settings, layout, PLAN).reason


def test_readiness_imports_nothing_heavy():
    code = (
        "import sys; before = set(sys.modules); import cosmovisor.staging.ready; "
        "print(*sorted(set(sys.modules) - before))"
    )
    out = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}; {code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    heavy = {
        "typing",
        "dataclasses",
        "enum",
        "re",
        "json",
        "asyncio",
        "pathlib",
        "logging",
        "subprocess",
        "hashlib",
    }
    assert not heavy & set(out.stdout.split())


def test_a_record_comes_back_as_it_was_written(home):
    _, layout, version = home
    found = record.load(layout.proof(version))
    record.save(layout.proof(version), found)
    assert record.load(layout.proof(version)) == found
