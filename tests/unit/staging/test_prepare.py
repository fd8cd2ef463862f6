"""One run of staging: every shape that releases have ends in a proven binary, and changes are followed."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import subprocess
import sys

import pytest
import zstandard
from tests.support import binaries
from tests.support.staging_home import KEY, PROGRAM, Home, sha256, tar, zipped

from cosmovisor.model.plan import Plan
from cosmovisor.model.receipts import Proof, StagedBinary
from cosmovisor.staging import fetch, ready, record
from cosmovisor.staging.outcome import NotYet
from cosmovisor.staging.prepare import Surroundings, prepare
from cosmovisor.staging.request import Request
from cosmovisor.storage import locks


@pytest.fixture
def home(tmp_path):
    found = Home(tmp_path)
    yield found
    found.close()


LIBRARY = binaries.elf(size=3000)
SHAPES = {
    "raw": PROGRAM,
    "gz": gzip.compress(PROGRAM),
    "bz2": bz2.compress(PROGRAM),
    "xz": lzma.compress(PROGRAM),
    "zst": zstandard.compress(PROGRAM),
    "tar": tar(("testd", PROGRAM), mode="w"),
    "tar.gz": tar(("bin/testd", PROGRAM), ("README.md", b"r")),
    "tar.bz2": tar(("bin/testd", PROGRAM), mode="w:bz2"),
    "tar.xz": tar(("bin/testd", PROGRAM), mode="w:xz"),
    "tar.zst": zstandard.compress(tar(("bin/testd", PROGRAM), mode="w")),
    "zip": zipped(("bin/testd", PROGRAM), ("LICENSE", b"l")),
    "license first": tar(("LICENSE", b"l" * 999), ("README.md", b"r"), ("testd", PROGRAM)),
    "license first, one folder down": tar(("x/LICENSE", b"l" * 999), ("x/testd", PROGRAM)),
    "one folder down, in bin": tar(("evmos-1/bin/testd", PROGRAM), ("evmos-1/LICENSE", b"l")),
    "single file of any name": tar(("anything", PROGRAM)),
    "only program": tar(("./build/testd-v2-linux-amd64", PROGRAM), ("./build/LICENSE", b"l")),
    "zip with single file": zipped(("whatever", PROGRAM)),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_a_release_is_understood(home, shape):
    found = home.stage(home.info(home.serve(SHAPES[shape])))
    assert found.path == home.path()
    with open(home.path(), "rb") as file:
        assert file.read() == PROGRAM
    assert os.stat(home.path()).st_mode & 0o777 == 0o755
    staged = ready.check(
        home.settings,
        home.layout,
        Plan("v2", 10, home.info(home.server.url("/testd") + f"?checksum=sha256:{sha256(SHAPES[shape])}")),
    )
    assert isinstance(staged, StagedBinary)
    assert (staged.trust, staged.sha256) == ("digest", sha256(PROGRAM))
    assert sorted(os.listdir(home.layout.staging)) == ["cache", "downloads", "lock"]
    assert os.listdir(os.path.join(home.layout.staging, "cache")) == []


def test_libraries_go_to_lib_and_companions_stay(home):
    archive = zipped(
        ("bin/testd", PROGRAM),
        ("bin/libwasmvm.x86_64.so", LIBRARY),
        ("libother.so.1", LIBRARY),
        ("docs/README", b"r"),
    )
    home.stage(home.info(home.serve(archive)))
    folder = os.path.dirname(os.path.dirname(home.path()))
    assert sorted(os.listdir(folder)) == ["bin", "docs", "lib"]
    assert sorted(os.listdir(f"{folder}/lib")) == ["libother.so.1", "libwasmvm.x86_64.so"]
    assert os.listdir(f"{folder}/bin") == ["testd"]


def test_a_source_tree_below_a_named_folder_becomes_the_version_folder(home):
    script = b"#!/bin/sh\nexit 0\n"
    archive = zipped(
        ("agoric-sdk-1/bin/testd", script), ("agoric-sdk-1/package.json", b"{}"), ("agoric-sdk-1/a/b", b"x")
    )
    url = home.serve(archive, "/sdk.zip").replace("sdk.zip?", "sdk.zip//agoric-sdk-1?")
    home.stage(home.info(url, "any"))
    folder = os.path.dirname(os.path.dirname(home.path()))
    assert sorted(os.listdir(folder)) == ["a", "bin", "package.json"]


@pytest.mark.parametrize("kind", ["md5", "sha1", "sha512"])
def test_other_digests_are_checked_and_the_weak_ones_warned_about(home, kind):
    import hashlib

    home.server.files["/testd"] = PROGRAM
    digest = hashlib.new(kind, PROGRAM).hexdigest()
    found = home.stage(home.info(f"{home.server.url('/testd')}?checksum={kind}:{digest}"))
    weak = [proof.text for proof in found.proofs if proof.name == "digest-kind"]
    assert bool(weak) == (kind != "sha512")
    home.refused_other = home.info(f"{home.server.url('/testd')}?checksum={kind}:{'0' * len(digest)}")
    with pytest.raises(NotYet, match="is not the file"):
        home.stage(home.refused_other, name="v3")


def test_bare_digests_and_checksum_lists_are_read(home):
    home.settings = binaries.settings(home.home, daemon_allow_download_binaries=True, cosmovisor_trust="off")
    home.server.files["/a/testd"] = PROGRAM
    home.server.files["/sums"] = f"{'0' * 64}  other\n{sha256(PROGRAM)} *./dist/testd\n".encode()
    home.stage(home.info(f"{home.server.url('/a/testd')}?checksum={sha256(PROGRAM).upper()}"))
    home.stage(
        home.info(f"{home.server.url('/a/testd')}?checksum=file:{home.server.url('/sums')}"), name="v3"
    )
    home.server.files["/sums"] = f"{'0' * 64}  testd\n".encode()
    with pytest.raises(NotYet, match="is not the file"):
        home.stage(
            home.info(f"{home.server.url('/a/testd')}?checksum=file:{home.server.url('/sums')}"), name="v4"
        )


def test_a_list_behind_a_url_is_followed_once(home):
    text = home.info(home.serve(PROGRAM)).encode()
    found = home.stage(home.serve(text, "/plan.json"))
    assert found.trust == "digest"
    home.server.files["/plan2.json"] = home.serve(text, "/plan.json").encode()
    with pytest.raises(NotYet, match="leads to another URL"):
        home.stage(
            f"{home.server.url('/plan2.json')}?checksum=sha256:{sha256(home.server.files['/plan2.json'])}",
            "v3",
        )


def test_the_original_guides_hand_placed_list_is_used_and_kept(home):
    document = {"binaries": {"darwin/x86_64": "https://example.com/x", KEY: home.serve(PROGRAM)}}
    folder = os.path.dirname(os.path.dirname(home.path("v3.0.0")))
    binaries.place(f"{folder}/upgrade-info.json", json.dumps(document).encode(), 0o644)
    home.stage("", name="v3.0.0")
    assert sorted(os.listdir(folder)) == ["bin", "upgrade-info.json"]
    with open(f"{folder}/upgrade-info.json") as file:
        assert json.load(file) == document


def test_names_of_uname_are_understood_with_a_warning(home):
    key = {"linux/amd64": "linux/x86_64", "linux/arm64": "linux/aarch64"}[KEY]
    found = home.stage(home.info(home.serve(PROGRAM), key))
    assert any(proof.name == "platform-key" for proof in found.proofs)


def test_a_hand_placed_binary_is_proven_and_never_changed_nor_fetched(home):
    binaries.place(home.path(), b"#!/bin/sh\nexit 0\n")
    before = os.stat(home.path())
    found = home.stage(home.info(home.serve(PROGRAM)))
    assert (found.source, found.trust) == ("hand", "hand")
    assert os.stat(home.path()) == before
    assert not home.server.asked


def test_without_permission_nothing_is_fetched_and_the_operator_is_told(home):
    home.settings = binaries.settings(home.home)
    found = home.refused(home.info(home.serve(PROGRAM)))
    assert "downloads are not allowed" in found.cause
    assert "DAEMON_ALLOW_DOWNLOAD_BINARIES=true" in found.next_step
    assert not home.server.asked
    home.stage(home.info(home.serve(PROGRAM)), download=True)


def test_a_proposal_in_voting_is_fetched_and_checked_but_not_put_into_place(home):
    info = home.info(home.serve(PROGRAM))
    found = home.stage(info, execute=False)
    assert found.path != home.path()
    assert not os.path.exists(home.layout.upgrades)
    assert "not scheduled" in ready.check(home.settings, home.layout, Plan("v2", 10, info)).reason
    asked = len(home.server.asked)
    home.stage(info)
    assert len(home.server.asked) == asked, "the cache was not used"
    assert isinstance(ready.check(home.settings, home.layout, Plan("v2", 10, info)), StagedBinary)


def test_a_proposal_in_voting_does_not_touch_the_proof_of_the_scheduled_plan_of_its_name(home):
    info = home.info(home.serve(PROGRAM))
    home.stage(info)
    home.stage(home.info(home.serve(SHAPES["gz"], "/other")), execute=False)
    assert isinstance(ready.check(home.settings, home.layout, Plan("v2", 10, info)), StagedBinary)


def test_a_plan_that_changes_is_staged_again_and_only_another_file_is_swapped_in(home):
    home.stage(home.info(home.serve(PROGRAM)))
    other = binaries.elf(size=6000)
    home.server.files["/other"] = other
    home.stage(home.info(home.serve(other, "/other")))
    with open(home.path(), "rb") as file:
        assert file.read() == other
    inode = os.stat(home.path()).st_ino
    home.stage(home.info(home.serve(other, "/third")))
    assert os.stat(home.path()).st_ino == inode


def test_a_changed_plan_whose_file_cannot_be_had_is_not_ready_until_it_is_approved(home):
    home.stage(home.info(home.serve(PROGRAM)))
    info = home.info(home.server.url("/none") + "?checksum=sha256:" + "0" * 64)
    with pytest.raises(NotYet, match="the plan has changed") as caught:
        home.stage(info)
    assert "cosmovisor approve v2" in caught.value.next_step
    proof = home.layout.proof(home.layout.version_for("v2", True))
    record.save(proof, record.approve(record.load(proof)))
    home.stage(info)
    assert isinstance(ready.check(home.settings, home.layout, Plan("v2", 10, info)), StagedBinary)


def test_a_cancelled_plan_is_taken_out_unless_it_was_placed_by_hand_or_is_in_use(home):
    info = home.info(home.serve(PROGRAM))
    home.stage(info)
    assert home.stage(info, cancelled=True) is None
    assert not os.path.exists(home.path())
    home.stage(info)
    os.symlink("upgrades/v2", home.layout.current)
    home.stage(info, cancelled=True)
    assert os.path.exists(home.path())
    binaries.place(home.path("v3"), PROGRAM)
    home.stage("", name="v3")
    home.stage("", name="v3", cancelled=True)
    assert os.path.exists(home.path("v3"))


def test_an_empty_file_that_another_tool_has_left_is_no_binary(home):
    binaries.place(home.path(), b"", 0o644)
    home.stage(home.info(home.serve(PROGRAM)))
    with open(home.path(), "rb") as file:
        assert file.read() == PROGRAM


def test_a_recheck_notices_content_that_changed_behind_the_file_times(home):
    info = home.info(home.serve(PROGRAM))
    home.stage(info)
    proof = home.layout.proof(home.layout.version_for("v2", True))
    kept = record.load(proof)
    from cosmovisor.model.value import replace

    record.save(proof, replace(kept, sha256="0" * 64))
    home.stage(info)
    with pytest.raises(NotYet, match="content has changed"):
        home.stage(info, recheck=True)


def test_two_runs_do_not_meet(home):
    os.makedirs(home.layout.staging)
    with (
        locks.hold(os.path.join(home.layout.staging, "lock")),
        pytest.raises(NotYet, match="another staging") as caught,
    ):
        home.stage(home.info(home.serve(PROGRAM)))
    assert caught.value.retry_after


def test_what_a_cut_has_left_is_swept(home):
    os.makedirs(f"{home.layout.staging}/abc.partial/bin")
    home.stage(home.info(home.serve(PROGRAM)))
    assert sorted(os.listdir(home.layout.staging)) == ["cache", "downloads", "lock"]


@pytest.mark.parametrize("words", ["darwin/arm64", "windows/amd64"])
def test_a_plan_without_this_platform_says_what_it_has(home, words):
    assert words in home.refused(home.info(home.serve(PROGRAM), words)).cause


def test_a_near_key_is_named_and_not_used(home):
    found = home.refused(home.info(home.serve(PROGRAM), f"zetacored-{KEY}"))
    assert "may be meant" in found.cause


@pytest.mark.parametrize("info", ["", "{}", "see the forum", "{upgradeType:minor}", '{"binaries":{}}'])
def test_an_info_without_binaries_says_so_in_words(home, info):
    found = home.refused(info)
    assert "none can be fetched" in found.cause
    assert "sources" in found.next_step


def test_a_binary_put_into_place_during_a_download_counts_at_once(home):
    import threading
    import time

    began = threading.Event()

    def slow(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n")
        began.set()
        while not home.server.closing.wait(0.05):
            exchange.send(bytes(20_000))

    home.server.files["/testd"] = slow

    def place():
        began.wait(30)
        binaries.place(f"{home.path()}.new", PROGRAM)
        os.rename(f"{home.path()}.new", home.path())

    hand = threading.Thread(target=place)
    hand.start()
    started = time.monotonic()
    found = home.stage(home.info(home.server.url("/testd") + "?checksum=sha256:" + "0" * 64))
    hand.join()
    assert found.source == "hand"
    assert time.monotonic() - started < 15
    assert any("put into place meanwhile" in text for text in home.said)


def test_a_binary_put_into_place_in_the_last_moment_is_not_overwritten(home, monkeypatch):
    from cosmovisor.staging import place

    mine = b"#!/bin/sh\nexit 0\n"
    original = place.commit

    def late(layout, version, built, *, swap=False):
        binaries.place(home.path(), mine)
        original(layout, version, built, swap=swap)

    monkeypatch.setattr(place, "commit", late)
    found = home.stage(home.info(home.serve(PROGRAM)))
    assert found.source == "hand"
    with open(home.path(), "rb") as file:
        assert file.read() == mine
    assert sorted(os.listdir(home.layout.staging)) == ["cache", "downloads", "lock"]


def test_an_empty_file_that_is_being_copied_is_waited_for(home):
    binaries.place(home.path(), b"")
    with open(home.path(), "ab") as file:
        with pytest.raises(NotYet, match="still being written"):
            home.stage(home.info(home.serve(PROGRAM)))
        file.write(b"#!/bin/sh\n")
    assert home.stage(home.info(home.serve(PROGRAM))).source == "hand"


def test_a_folder_of_the_plans_exact_name_is_found_and_used_with_a_warning(home):
    home.settings = binaries.settings(home.home)
    binaries.place(os.path.join(home.layout.upgrades, "strangeBuddheads", "bin", "testd"), PROGRAM)
    found = home.stage("", name="strangeBuddheads")
    assert found.path == os.path.join(home.layout.upgrades, "strangebuddheads", "bin", "testd")
    assert any("where the Go tool would not look" in proof.text for proof in found.proofs)
    assert isinstance(ready.check(home.settings, home.layout, Plan("strangeBuddheads", 10)), StagedBinary)


def test_two_other_spellings_are_one_too_many(home):
    home.settings = binaries.settings(home.home)
    for name in ("V2A", "v2A"):
        binaries.place(os.path.join(home.layout.upgrades, name, "bin", "testd"), PROGRAM)
    with pytest.raises(NotYet, match="there is no binary"):
        home.stage("", name="v2a")


def test_a_list_that_changed_after_the_vote_is_said_before_the_height(home):
    home.settings = binaries.settings(home.home, daemon_allow_download_binaries=True, cosmovisor_trust="off")
    home.server.files["/plan.json"] = home.info(home.serve(PROGRAM)).encode()
    home.stage(home.server.url("/plan.json"))
    assert not [
        proof
        for proof in home.stage(home.server.url("/plan.json"), recheck=True).proofs
        if proof.name == "list-changed"
    ]
    other = binaries.elf(size=7000)
    home.server.files["/plan.json"] = home.info(home.serve(other, "/other")).encode()
    found = home.stage(home.server.url("/plan.json"), recheck=True)
    assert [proof.outcome for proof in found.proofs if proof.name == "list-changed"] == ["warning"]
    assert isinstance(
        ready.check(home.settings, home.layout, Plan("v2", 10, home.server.url("/plan.json"))), StagedBinary
    )


def test_files_that_others_can_write_are_warned_about(home):
    binaries.place(home.path(), PROGRAM, 0o777)
    found = home.stage("")
    assert [proof.fix for proof in found.proofs if proof.name == "owner"] == [f"chmod go-w {home.path()}"]


# Space ----------------------------------------------------------------------------------------------------


def with_space(home, proof, **flags):
    """Stage the binary in place while this is known of the room for the backup."""
    around = Surroundings(
        home.settings,
        home.layout,
        {},
        network=home.network,
        node_home="/n",
        space=lambda node: (proof(node),),
    )
    return prepare(around, Request(Plan("v2", 10), **flags), home.said.append)


def test_room_for_the_backup_is_looked_at_with_the_binary_and_again_each_time(home):
    binaries.place(home.path(), PROGRAM)
    little = Proof("space", "warning", "no room", "make room")
    assert little in with_space(home, lambda node: little if node == "/n" else None).proofs
    staged = ready.check(home.settings, home.layout, Plan("v2", 10))
    assert isinstance(staged, StagedBinary), "room can be made until the height: nothing is blocked"
    assert little in staged.proofs
    enough = Proof("space", "ok", "room enough")
    found = with_space(home, lambda _: enough, recheck=True)
    assert [proof for proof in found.proofs if proof.name == "space"] == [enough]


@pytest.mark.parametrize("flags", [{"urgent": True}, {"execute": False}])
def test_at_the_height_and_for_a_proposal_nobody_measures_space(home, flags):
    binaries.place(home.path(), PROGRAM)
    with_space(home, lambda _: pytest.fail("measured"), **flags)


def test_a_file_for_which_there_is_no_room_is_not_begun(home, monkeypatch):
    monkeypatch.setattr(fetch, "free_space", lambda _: 1 << 20)
    with pytest.raises(NotYet, match=r"there is no room for .* 1048576 are free") as caught:
        home.stage(home.info(home.serve(PROGRAM)))
    assert "Free space below" in caught.value.next_step
    assert caught.value.retry_after
    assert os.listdir(os.path.join(home.layout.staging, "downloads")) == []


def test_a_run_that_only_proves_loads_nothing_that_fetches(home):
    binaries.place(home.path(), PROGRAM)
    code = (
        "import os, sys\n"
        "from cosmovisor.model.plan import Plan\n"
        "from cosmovisor.staging.prepare import Surroundings, prepare\n"
        "from cosmovisor.staging.request import Request\n"
        "from tests.support import binaries\n"
        "around = Surroundings(binaries.settings(sys.argv[1]), binaries.layout(sys.argv[1]), dict(os.environ))\n"
        "assert prepare(around, Request(Plan('v2', 10)), print).source == 'hand'\n"
        "heavy = ('ssl', 'http.client', 'cosmovisor.staging.fetch', 'cosmovisor.staging.unpack', 'tarfile', 'socket')\n"
        "print([name for name in heavy if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(home.home)], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
