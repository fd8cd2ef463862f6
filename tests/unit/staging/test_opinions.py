"""What can be learned of a file without a digest becomes a stated confidence, and a contradiction is loud."""

from __future__ import annotations

import time

import pytest
from tests.support import authority, binaries
from tests.support.file_server import LIMITS, Server, public
from tests.support.staging_home import PROGRAM, Home, sha256

from cosmovisor.model import confidence
from cosmovisor.model.plan import Plan
from cosmovisor.model.receipts import StagedBinary
from cosmovisor.model.value import replace
from cosmovisor.staging import ready, record
from cosmovisor.staging.outcome import NotYet

OTHER = binaries.elf(size=7000)
GOOD = f"{sha256(PROGRAM)}  testd\n".encode()
WRONG = f"{'0' * 64}  testd\n".encode()


@pytest.fixture
def home(tmp_path):
    found = Home(tmp_path)
    yield found
    found.close()


@pytest.fixture
def release(home):
    """A server with a good certificate that serves the program without a digest in the plan."""
    found = Server(authority.server("good.example"))
    found.files["/v2/testd"] = PROGRAM
    home.network = public(authority.client(), good_example="127.0.0.1", mirror_example="127.0.0.1")
    yield found
    found.close()


@pytest.fixture
def mirror(home):
    found = Server(authority.server("mirror.example"))
    home.settings = replace(
        home.settings, cosmovisor_mirrors=(found.url("/copies", "mirror.example", "https"),)
    )
    yield found
    found.close()


def info(home, release, tail=""):
    return home.info(release.url("/v2/testd", "good.example", "https") + tail)


def stated(home, text):
    """The confidence of what is ready to run, as the supervisor and `status` get it."""
    staged = ready.check(home.settings, home.layout, Plan("v2", 10, text))
    assert isinstance(staged, StagedBinary), staged
    return confidence.of(staged.trust, staged.opinions)


@pytest.mark.parametrize(
    "name",
    ["testd.sha256", "checksums.txt", "SHA256SUMS", "sha256sum.txt", "SHA256SUMS.txt", "sha256sums.txt"],
)
def test_the_list_beside_the_file_confirms_it_under_each_of_its_usual_names(home, release, name):
    release.files[f"/v2/{name}"] = GOOD
    text = info(home, release)
    home.stage(text)
    found = stated(home, text)
    assert found.level == "confirmed"
    assert f"the release's own {name} names the same sha256" in found.text
    (opinion,) = found.opinions
    assert opinion.source == release.url(f"/v2/{name}", "good.example", "https")


def test_where_nothing_is_learned_that_is_said_and_nobody_else_is_asked(home, release):
    release.files["/checksums.txt"] = GOOD  # not beside the file
    text = info(home, release)
    found = home.stage(text)
    assert stated(home, text).level == "unconfirmed"
    assert [proof.outcome for proof in found.proofs if proof.name == "confidence"] == ["warning"]
    assert all(target.startswith("/v2/") for target in release.asked)
    assert not home.server.asked


def test_a_list_elsewhere_is_not_the_releases_own(home, release):
    home.server.files["/checksums.txt"] = GOOD
    release.files["/v2/checksums.txt"] = lambda exchange: exchange.answer(
        status=302, location=home.server.url("/checksums.txt")
    )
    text = info(home, release)
    home.stage(text)
    assert stated(home, text).level == "unconfirmed"
    assert not home.server.asked


@pytest.mark.parametrize(
    "body",
    [b"<html>", b"\xff\xfe", b"x" * (2 << 20), GOOD.replace(b"testd", b"other"), GOOD + WRONG, b""],
    ids=["page", "no text", "too large", "another file", "two digests", "empty"],
)
def test_a_list_that_says_nothing_usable_is_no_opinion(home, release, body):
    release.files["/v2/checksums.txt"] = body
    text = info(home, release)
    home.stage(text)
    assert stated(home, text).level == "unconfirmed"


def test_lists_that_never_end_hold_nobody_for_long(home, release):
    def endless(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while not release.closing.wait(0.05):
            exchange.send(b"x")

    for name in ("testd.sha256", "checksums.txt", "SHA256SUMS", "sha256sum.txt"):
        release.files[f"/v2/{name}"] = endless
    home.network.limits = replace(LIMITS, opinions=1.0, total=600.0, stall=600.0)
    text = info(home, release)
    began = time.monotonic()
    home.stage(text)
    assert time.monotonic() - began < 100
    assert stated(home, text).level == "unconfirmed"
    assert "/v2/SHA256SUMS.txt" not in release.asked


def test_a_file_that_a_digest_holds_needs_no_opinion(home, release):
    text = info(home, release, f"?checksum=sha256:{sha256(PROGRAM)}")
    home.stage(text)
    assert stated(home, text).level == "held"
    assert len(release.asked) == 1


def test_at_the_height_nobody_is_asked(home, release):
    release.files["/v2/checksums.txt"] = GOOD
    text = info(home, release)
    home.stage(text, urgent=True)
    assert stated(home, text).level == "unconfirmed"
    assert len(release.asked) == 1


def test_a_contradiction_of_the_releases_own_list_is_a_wrong_digest(home, release):
    release.files["/v2/checksums.txt"] = WRONG
    found = home.refused(info(home, release))
    assert "release's own checksums.txt" in found.cause
    assert found.retry_after


def test_on_a_test_network_a_contradiction_is_only_loud(home, release):
    home.settings = replace(home.settings, cosmovisor_trust="off")
    release.files["/v2/checksums.txt"] = WRONG
    text = info(home, release)
    found = home.stage(text)
    assert stated(home, text).level == "contradicted"
    assert [(proof.outcome, bool(proof.fix)) for proof in found.proofs if proof.name == "confidence"] == [
        ("warning", True)
    ]


def test_require_asks_even_about_what_a_digest_holds_and_a_contradiction_blocks(home, release):
    home.settings = replace(home.settings, cosmovisor_trust="require")
    text = info(home, release, f"?checksum=sha256:{sha256(PROGRAM)}")
    release.files["/v2/checksums.txt"] = WRONG
    assert "release's own checksums.txt" in home.refused(text).cause
    release.files["/v2/checksums.txt"] = GOOD
    home.stage(text)
    assert stated(home, text).level == "held"


def test_what_the_operator_has_pinned_is_beyond_the_opinion_of_others(home, release):
    home.settings = replace(home.settings, cosmovisor_trust="require")
    release.files["/v2/checksums.txt"] = WRONG
    url = release.url("/v2/testd", "good.example", "https")
    with open(home.layout.config_file, "w", encoding="utf-8") as file:
        file.write(f'[sources."v2"]\nurl = "{url}"\nsha256 = "{sha256(PROGRAM)}"\n')
    home.stage("")
    assert stated(home, "").level == "held"


# Mirrors --------------------------------------------------------------------------------------------------


def test_the_same_file_on_a_mirror_confirms_it(home, release, mirror):
    mirror.files["/copies/testd"] = PROGRAM
    text = info(home, release)
    home.stage(text)
    found = stated(home, text)
    assert found.level == "confirmed"
    assert [one.kind for one in found.opinions] == ["mirror", "release-list"]
    assert mirror.asked == ["/copies/testd"]


def test_another_file_on_a_mirror_is_a_loud_warning_and_the_binary_stays(home, release, mirror):
    mirror.files["/copies/testd"] = OTHER
    release.files["/v2/checksums.txt"] = GOOD
    text = info(home, release)
    found = home.stage(text)
    assert stated(home, text).level == "contradicted"
    loud = [proof for proof in found.proofs if proof.name == "confidence" and proof.outcome == "warning"]
    assert sha256(OTHER) in loud[0].text
    assert "cosmovisor approve v2" in loud[0].fix


def test_another_file_on_a_mirror_blocks_where_all_must_be_proven_until_it_is_approved(home, release, mirror):
    home.settings = replace(home.settings, cosmovisor_trust="require")
    mirror.files["/copies/testd"] = OTHER
    text = info(home, release, f"?checksum=sha256:{sha256(PROGRAM)}")
    with pytest.raises(NotYet, match="gives another file"):
        home.stage(text)
    plan = Plan("v2", 10, text)
    assert "gives another file" in ready.check(home.settings, home.layout, plan).reason
    with pytest.raises(NotYet, match="gives another file"):
        home.stage(text)
    proof = home.layout.proof(home.layout.version_for("v2", True))
    record.save(proof, record.approve(record.load(proof)))
    home.stage(text)
    assert isinstance(ready.check(home.settings, home.layout, plan), StagedBinary)


@pytest.mark.parametrize("body", [None, lambda exchange: exchange.answer(PROGRAM, 500)])
def test_a_mirror_that_has_nothing_is_no_opinion(home, release, mirror, body):
    mirror.files["/copies/testd"] = body
    home.network.limits = replace(LIMITS, attempts=1)
    text = info(home, release)
    home.stage(text)
    found = stated(home, text)
    assert found.level == "unconfirmed"
    assert "could not be compared" in found.text


def test_nothing_of_a_comparison_is_kept(home, release, mirror):
    import os

    mirror.files["/copies/testd"] = OTHER
    home.stage(info(home, release))
    assert os.listdir(f"{home.layout.staging}/downloads") == []
    assert os.listdir(f"{home.layout.staging}/cache") == []


# Before the height ----------------------------------------------------------------------------------------


def test_a_list_that_is_published_later_is_found_before_the_height(home, release):
    text = info(home, release)
    home.stage(text)
    assert stated(home, text).level == "unconfirmed"
    release.files["/v2/SHA256SUMS"] = GOOD
    home.stage(text, recheck=True)
    assert stated(home, text).level == "confirmed"
    del release.files["/v2/SHA256SUMS"]
    home.stage(text, recheck=True)
    assert stated(home, text).level == "confirmed", "what was learned once is not forgotten"


def test_a_list_that_contradicts_later_blocks_and_one_that_is_corrected_lifts_it(home, release):
    text = info(home, release)
    home.stage(text)
    release.files["/v2/SHA256SUMS"] = WRONG
    with pytest.raises(NotYet, match="release's own SHA256SUMS"):
        home.stage(text, recheck=True)
    assert "release's own" in ready.check(home.settings, home.layout, Plan("v2", 10, text)).reason
    release.files["/v2/SHA256SUMS"] = GOOD
    home.stage(text)
    assert stated(home, text).level == "confirmed"


def test_a_proposal_in_voting_gets_its_opinion_too(home, release):
    release.files["/v2/checksums.txt"] = GOOD
    found = home.stage(info(home, release), execute=False)
    assert [one.verdict for one in found.opinions] == ["agrees"]
