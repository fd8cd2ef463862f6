"""Servers that lie, stall, never end or lead elsewhere: each ends in a reason, in bounded time, with nothing left."""

from __future__ import annotations

import gzip
import json
import os
import re
import time

import pytest

from cosmovisor.model.value import replace
from cosmovisor.staging.network import Network
from cosmovisor.staging.outcome import NotYet
from tests.support import authority, binaries
from tests.support.file_server import LIMITS, Server, public, strict
from tests.support.staging_home import PROGRAM, sha256

DIGEST = f"?checksum=sha256:{sha256(PROGRAM)}"


def reason(home, info: str) -> str:
    """Why a plan is refused, three times over, with nothing left."""
    return home.refused(info).cause


def quick(**changes) -> Network:
    """The network of the tests with other limits."""
    return Network(refusal=lambda _: "", environ={}, limits=replace(LIMITS, **changes))


def test_a_wrong_digest(home):
    home.server.files["/testd"] = PROGRAM
    found = home.refused(home.info(home.server.url("/testd") + "?checksum=sha256:" + "0" * 64))
    assert sha256(PROGRAM) in found.cause
    assert found.retry_after


def test_the_digest_of_another_file(home):
    home.server.files["/testd"] = PROGRAM
    other = sha256(b"README")
    cause = reason(home, home.info(home.server.url("/testd") + f"?checksum=sha256:{other}"))
    assert f"its sha256 is {sha256(PROGRAM)}, expected {other}" in cause


@pytest.mark.parametrize(
    "text",
    [
        "sha256:PLACEHOLDER",
        "sha256:" + "a" * 63,
        "sha3:" + "a" * 64,
        "x" * 64,
        "crc32:00000000",
        "sha256:" + "\u0663" * 64,
    ],
)
def test_a_digest_that_is_none_is_refused_before_anything_is_asked(home, text):
    home.server.files["/testd"] = PROGRAM
    home.refused(home.info(f"{home.server.url('/testd')}?checksum={text}"))
    assert not home.server.asked


@pytest.mark.parametrize("status", [400, 401, 402, 404, 410, 418, 451, 500, 503, 999])
def test_a_status_that_is_no_answer(home, status):
    home.server.files["/testd"] = lambda exchange: exchange.answer(PROGRAM, status)
    assert str(status) in home.refused(home.info(home.server.url("/testd") + DIGEST)).cause


def test_a_file_that_is_not_published_yet_is_asked_for_again_later(home):
    found = home.refused(home.info(home.server.url("/none") + DIGEST))
    assert found.retry_after == 600
    assert len(home.server.asked) == 3, "a missing file is not asked for in a loop"


def test_a_redirect_chain_that_is_too_long_or_a_circle(home):
    home.server.files["/testd"] = lambda exchange: exchange.answer(status=302, location="/testd")
    assert "redirects" in home.refused(home.info(home.server.url("/testd") + DIGEST)).cause


@pytest.mark.parametrize(
    "place",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/x",
        "gopher://127.0.0.1/",
        "data:,x",
        "//",
        "http://",
        "javascript:1",
        "http://[::",
        "",
    ],
)
def test_a_redirect_to_another_scheme_or_to_nothing(home, place):
    home.server.files["/testd"] = lambda exchange: exchange.answer(status=302, location=place)
    cause = reason(home, home.info(home.server.url("/testd") + DIGEST))
    assert re.search(
        "redirects to .*not fetched|redirects to nowhere|more than 5 redirects|Invalid IPv6", cause
    )
    assert {target.partition("?")[0] for target in home.server.asked} == {"/testd"}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_an_honest_redirect_is_followed(home, status):
    home.server.files["/testd"] = lambda exchange: exchange.answer(status=status, location="/real")
    home.server.files["/real"] = PROGRAM
    assert home.stage(home.info(home.server.url("/testd") + DIGEST)).sha256 == sha256(PROGRAM)


def test_a_password_is_not_sent_on_to_another_server(home):
    other = Server()
    other.files["/testd"] = PROGRAM
    home.server.files["/testd"] = lambda exchange: exchange.answer(status=302, location=other.url("/testd"))
    home.stage(home.info(home.server.url("/testd").replace("//", "//user:s3cret@") + DIGEST))
    assert "authorization" in home.server.seen[0]
    assert "authorization" not in other.seen[0]
    other.close()


def test_secrets_of_a_url_are_in_no_text_and_in_no_record(home):
    url = home.server.url("/testd").replace("//", "//user:s3cret@") + DIGEST + "&token=t0ken"
    home.refused(home.info(url))
    home.server.files["/testd"] = PROGRAM
    home.stage(home.info(url))
    told = json.dumps(home.said)
    for folder, _, files in os.walk(home.folder):
        for name in files:
            with open(os.path.join(folder, name), "rb") as file:
                told += file.read().decode("latin-1")
    assert "s3cret" not in told
    assert "t0ken" not in told


def test_a_server_that_never_answers(home):
    home.network = quick(headers=0.3, attempts=2)
    home.server.files["/testd"] = lambda exchange: home.server.closing.wait(30)
    started = time.monotonic()
    assert "no answer in time" in home.refused(home.info(home.server.url("/testd") + DIGEST)).cause
    assert time.monotonic() - started < 20


def _drip(exchange, data: bytes, closing, pause: float = 0.02) -> None:
    for byte in data * 1000:
        exchange.send(bytes([byte]))
        if closing.wait(pause):
            return


def test_a_head_that_drips_byte_by_byte(home):
    home.network = quick(headers=0.4, attempts=1)
    home.server.files["/testd"] = lambda exchange: _drip(
        exchange, b"HTTP/1.1 200 OK\r\nX: " + b"y" * 60, home.server.closing
    )
    assert "no answer in time" in home.refused(home.info(home.server.url("/testd") + DIGEST)).cause


def test_a_body_that_drips_byte_by_byte(home):
    home.network = quick(stall=0.4, attempts=1)

    def slow(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n")
        _drip(exchange, b"x", home.server.closing)

    home.server.files["/testd"] = slow
    assert "stalled" in home.refused(home.info(home.server.url("/testd") + DIGEST)).cause


def test_a_body_that_stops(home):
    home.network = quick(stall=0.3, attempts=1)

    def stopping(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\nxxxx")
        home.server.closing.wait(30)

    home.server.files["/testd"] = stopping
    assert "stalled" in home.refused(home.info(home.server.url("/testd") + DIGEST)).cause


def test_a_body_just_fast_enough_ends_at_the_time_limit_of_the_whole(home):
    home.network = quick(total=0.5, stall=5.0, attempts=1)

    def endless(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n")
        while not home.server.closing.wait(0.02):
            exchange.send(bytes(5000))

    home.server.files["/testd"] = endless
    assert "time limit" in home.refused(home.info(home.server.url("/testd") + DIGEST)).cause


@pytest.mark.parametrize("head", [b"", b"Transfer-Encoding: chunked\r\n"])
def test_a_body_that_never_ends(home, head):
    home.settings = binaries.settings(
        home.home, daemon_allow_download_binaries=True, cosmovisor_download_limit=1 << 20
    )

    def endless(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n")
        piece = bytes(65536)
        while not home.server.closing.is_set():
            exchange.send((b"10000\r\n" + piece + b"\r\n") if head else piece)

    home.server.files["/testd"] = endless
    found = home.refused(home.info(home.server.url("/testd") + DIGEST))
    assert "larger than 1048576 bytes" in found.cause
    assert "COSMOVISOR_DOWNLOAD_LIMIT" in found.next_step


def test_a_length_beyond_the_limit_is_refused_from_the_head(home):
    home.server.files["/testd"] = lambda exchange: exchange.send(
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n"
    )
    assert "larger than" in home.refused(home.info(home.server.url("/testd") + DIGEST)).cause


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 5\r\nContent-Length: 99999",
        b"Content-Length: -1",
        b"Content-Length: x",
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\n",
    ],
)
def test_a_length_that_makes_no_sense(home, head):
    home.network = quick(attempts=1, stall=1.0, headers=2.0)
    home.server.files["/testd"] = lambda exchange: exchange.send(
        b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n" + PROGRAM[:50]
    )
    cause = reason(home, home.info(home.server.url("/testd") + DIGEST))
    assert re.search("is not the file that the plan names|sent with two lengths|connection was cut", cause)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\0" * 1000,
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5000 + b"\r\n",
        b"HTTP/1.1 200 " + b"z" * 70000,
    ],
)
def test_an_answer_that_is_not_http(home, answer):
    home.network = quick(attempts=2)
    home.server.files["/testd"] = lambda exchange: exchange.send(answer)
    assert "the answer is not HTTP" in reason(home, home.info(home.server.url("/testd") + DIGEST))


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "gzip, gzip"])
def test_a_content_encoding_that_was_not_asked_for(home, coding):
    body = gzip.compress(bytes(1 << 20))
    home.server.files["/testd"] = lambda exchange: exchange.answer(body, content_encoding=coding)
    assert (
        "encoding"
        in home.refused(
            home.info(home.server.url("/testd") + f"?checksum=sha256:{sha256(bytes(1 << 20))}")
        ).cause
    )
    assert home.server.seen[0]["accept-encoding"] == "identity"


def test_a_connection_cut_in_the_middle_is_taken_up_where_it_ended(home):
    data = PROGRAM + os.urandom(100_000)

    def cut(exchange):
        if "range" not in exchange.headers:
            exchange.send(f"HTTP/1.1 200 OK\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data[:40_000])
            return
        exchange.file(data)

    home.server.files["/testd"] = cut
    home.stage(home.info(home.server.url("/testd") + f"?checksum=sha256:{sha256(data)}"))
    assert home.server.ranges == ["bytes=40000-"]


def test_a_server_that_always_cuts(home):
    home.server.files["/testd"] = lambda exchange: exchange.send(
        b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\nxxxx"
    )
    assert "was cut" in home.refused(home.info(home.server.url("/testd") + DIGEST)).cause


@pytest.mark.parametrize(
    "span", ["bytes 0-1/2", "bytes 7-9/9", "lines 1-2/3", "", "bytes */5", "bytes 99999999999999999999-1/1"]
)
def test_a_resumed_answer_with_another_part_than_asked_for(home, span):
    def wrong(exchange):
        if "range" in exchange.headers:
            exchange.answer(b"evil", 206, content_range=span)
        else:
            exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\nxxxx")

    home.server.files["/testd"] = wrong
    cause = reason(home, home.info(home.server.url("/testd") + DIGEST))
    assert re.search("another part than asked for|connection was cut at 4 of 5000 bytes", cause)


def test_a_resumed_answer_of_another_file_is_found_by_the_digest(home):
    def mixed(exchange):
        if "range" in exchange.headers:
            exchange.answer(b"y" * 4996, 206, content_range="bytes 4-4999/5000")
        else:
            exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + PROGRAM[:4])

    home.server.files["/testd"] = mixed
    assert "is not the file" in home.refused(home.info(home.server.url("/testd") + DIGEST)).cause


def test_nothing_at_the_other_end(home):
    home.network = quick(attempts=2)
    port = home.server.port
    home.server.close()
    assert "refused" in home.refused(home.info(f"http://127.0.0.1:{port}/testd{DIGEST}")).cause.lower()


def test_a_checksum_list_of_a_gigabyte(home):
    home.settings = binaries.settings(home.home, daemon_allow_download_binaries=True, cosmovisor_trust="off")
    home.server.files["/testd"] = PROGRAM
    home.server.files["/sums"] = lambda exchange: exchange.send(
        b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n"
    )
    cause = reason(home, home.info(home.server.url("/testd") + f"?checksum=file:{home.server.url('/sums')}"))
    assert "is larger than 1048576 bytes" in cause
    assert "/testd" not in home.server.asked


@pytest.mark.parametrize(
    "text",
    [b"", b"\xff\xfe\x00", b"<html>", b"a" * 64 + b"  other\n", b"\n" * 30_000, f"{'0' * 64}  testd\n{'1' * 64}  testd\n".encode(),
     b"MD5 (testd) = zz\n", ("\u0661" * 64 + "  testd").encode(), b"0" * 64],
)  # fmt: skip
def test_a_checksum_list_that_does_not_name_this_file_once_and_rightly(home, text):
    home.settings = binaries.settings(home.home, daemon_allow_download_binaries=True, cosmovisor_trust="off")
    home.server.files["/testd"], home.server.files["/sums"] = PROGRAM, text
    cause = reason(home, home.info(home.server.url("/testd") + f"?checksum=file:{home.server.url('/sums')}"))
    assert re.search("the checksum file|is not the file that the plan names|the server sent nothing", cause)


def test_a_checksum_list_that_names_itself(home):
    home.settings = binaries.settings(home.home, daemon_allow_download_binaries=True, cosmovisor_trust="off")
    inner = f"{home.server.url('/sums')}%3Fchecksum=file:{home.server.url('/sums')}"
    cause = reason(home, home.info(home.server.url("/testd") + f"?checksum=file:{inner}"))
    assert "the checksum file has a checksum parameter of its own" in cause
    assert not home.server.asked


# Addresses ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.5.5", "192.168.1.1", "169.254.169.254", "100.64.0.1", "[::1]", "[::]",
     "[fe80::1]", "[fd00::1]", "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[ff02::1]", "224.0.0.1",
     "255.255.255.255", "192.0.2.1", "198.18.0.1"],
)  # fmt: skip
def test_an_address_that_is_not_public_is_never_asked_without_a_digest(home, host):
    home.network = strict()
    found = home.refused(home.info(f"https://{host}:{home.server.port}/testd"))
    assert "without a digest" in found.cause
    assert not home.server.asked


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "localhost", "localhost."]
)
def test_other_spellings_of_loopback(home, host):
    home.network = Network(environ={}, limits=replace(LIMITS, attempts=1))
    home.refused(home.info(f"https://{host}:{home.server.port}/testd"))
    assert not home.server.asked


@pytest.mark.parametrize(
    "addresses", ["127.0.0.1", "10.1.2.3", "93.184.216.34,127.0.0.1", "::1", "169.254.169.254"]
)
def test_a_name_that_resolves_to_an_address_that_is_not_public(home, addresses):
    home.network = strict(evil_example=addresses)
    assert (
        "without a digest" in home.refused(home.info(f"https://evil.example:{home.server.port}/testd")).cause
    )
    assert not home.server.asked


def test_a_digest_makes_a_private_address_harmless(home):
    home.network = strict()
    home.server.files["/testd"] = PROGRAM
    assert home.stage(home.info(home.server.url("/testd") + DIGEST)).trust == "digest"


def test_a_checksum_list_does_not_open_a_private_address(home):
    home.network = strict()
    home.server.files["/testd"], home.server.files["/sums"] = PROGRAM, f"{sha256(PROGRAM)}  testd".encode()
    home.refused(
        home.info(
            f"https://127.0.0.1:{home.server.port}/testd?checksum=file:https://127.0.0.1:{home.server.port}/sums"
        )
    )
    assert not home.server.asked


def test_a_list_of_binaries_at_a_private_address_is_not_fetched(home):
    home.network = strict()
    home.refused(f"https://127.0.0.1:{home.server.port}/plan.json")
    assert not home.server.asked


def test_a_redirect_to_a_private_address_is_not_followed(tmp_path, home):
    tls = Server(authority.server("good.example"))
    tls.files["/testd"] = lambda exchange: exchange.answer(
        status=302, location=f"https://inner.example:{tls.port}/secret"
    )
    tls.files["/secret"] = PROGRAM
    public_names = {"good.example": ["127.0.0.1"], "inner.example": ["127.0.0.2"]}
    home.network = Network(
        resolve=lambda host, _: public_names[host],
        refusal=lambda address: "" if address == "127.0.0.1" else "a loopback address",
        tls=authority.client(),
        environ={},
        limits=LIMITS,
    )
    assert (
        "inner.example is a loopback"
        in home.refused(home.info(f"https://good.example:{tls.port}/testd")).cause
    )
    assert set(tls.asked) == {"/testd"}
    tls.close()


def test_a_name_is_resolved_once_so_that_it_cannot_change_between_look_and_use(home):
    asked = []

    def resolve(host, _port):
        asked.append(host)
        return ["93.184.216.34"] if len(asked) % 2 else ["127.0.0.1"]

    home.network = Network(resolve=resolve, environ={}, limits=replace(LIMITS, attempts=1, connect=0.2))
    with pytest.raises(NotYet):
        home.stage(home.info(f"https://rebind.example:{home.server.port}/testd"))
    assert asked == ["rebind.example"]
    assert not home.server.asked


# TLS ------------------------------------------------------------------------------------------------------


@pytest.fixture
def tls(home):
    servers = []

    def make(*names, **how):
        server = Server(authority.server(*names, **how))
        server.files["/testd"] = PROGRAM
        servers.append(server)
        home.network = public(authority.client(), good_example="127.0.0.1", other_example="127.0.0.1")
        return server

    yield make
    for server in servers:
        server.close()


def test_a_good_certificate_is_accepted_and_the_trust_is_stated(home, tls):
    server = tls("good.example")
    found = home.stage(home.info(server.url("/testd", "good.example", "https")))
    assert found.trust == "https"
    assert any("no digest was published" in proof.text for proof in found.proofs)


@pytest.mark.parametrize(
    ("names", "how"),
    [
        (("other.example",), {}),
        (("good.example",), {"trusted": False}),
        (("good.example",), {"days": (-30, -1)}),
        (("good.example",), {"days": (1, 30)}),
        (("*.com",), {}),
    ],
)
def test_a_wrong_host_a_self_signed_an_expired_and_a_future_certificate(home, tls, names, how):
    server = tls(*names, **how)
    found = home.refused(home.info(server.url("/testd", "good.example", "https")))
    assert "certificate" in found.cause
    assert not server.asked
    assert found.retry_after is None


def test_a_bad_certificate_is_refused_even_with_a_digest(home, tls):
    server = tls("other.example")
    cause = reason(home, home.info(server.url("/testd", "good.example", "https") + DIGEST))
    assert "the certificate of good.example is not valid" in cause
    assert not server.asked


def test_https_never_goes_down_to_http(home, tls):
    server = tls("good.example")
    home.server.files["/testd"] = PROGRAM
    server.files["/testd"] = lambda exchange: exchange.answer(status=302, location=home.server.url("/testd"))
    for tail in ("", DIGEST):
        assert (
            "from https to plain http"
            in home.refused(home.info(server.url("/testd", "good.example", "https") + tail)).cause
        )
    assert not home.server.asked


def test_plain_http_without_a_digest_is_not_even_asked(home):
    home.server.files["/testd"] = PROGRAM
    found = home.refused(home.info(home.server.url("/testd")))
    assert "plain http without a digest" in found.cause
    assert "Pin the digest" in found.next_step
    assert not home.server.asked


def test_a_port_without_tls_behind_https(home):
    home.server.files["/testd"] = PROGRAM
    home.network = Network(refusal=lambda _: "", environ={}, limits=replace(LIMITS, connect=0.3, attempts=1))
    assert "cannot fetch https://" in reason(home, home.info(home.server.url("/testd", scheme="https")))


# Policy ---------------------------------------------------------------------------------------------------


def test_require_refuses_what_no_digest_holds_and_asks_nobody(home, tls):
    server = tls("good.example")
    home.settings = binaries.settings(
        home.home, daemon_allow_download_binaries=True, cosmovisor_trust="require"
    )
    url = server.url("/testd", "good.example", "https")
    assert "COSMOVISOR_TRUST is require" in home.refused(home.info(url)).cause
    server.files["/plan.json"] = home.info(url + DIGEST).encode()
    assert "require" in home.refused(server.url("/plan.json", "good.example", "https")).cause
    assert not server.asked
    home.stage(home.info(url + DIGEST))


def test_an_inner_digest_of_a_list_without_one_is_worth_the_connection_only(home, tls):
    server = tls("good.example")
    server.files["/plan.json"] = home.info(server.url("/testd", "good.example", "https") + DIGEST).encode()
    found = home.stage(server.url("/plan.json", "good.example", "https"))
    assert found.trust == "https"


def test_must_have_checksum_is_really_enforced_everywhere(home, tls):
    server = tls("good.example")
    home.settings = binaries.settings(
        home.home, daemon_allow_download_binaries=True, daemon_download_must_have_checksum=True
    )
    url = server.url("/testd", "good.example", "https")
    assert "DAEMON_DOWNLOAD_MUST_HAVE_CHECKSUM" in home.refused(home.info(url)).cause
    server.files["/plan.json"] = home.info(url + DIGEST).encode()
    plan = server.url("/plan.json", "good.example", "https")
    assert "DAEMON_DOWNLOAD_MUST_HAVE_CHECKSUM" in home.refused(plan).cause
    server.files["/loose.json"] = home.info(url).encode()
    loose = (
        server.url("/loose.json", "good.example", "https")
        + f"?checksum=sha256:{sha256(server.files['/loose.json'])}"
    )
    assert "DAEMON_DOWNLOAD_MUST_HAVE_CHECKSUM" in home.refused(loose).cause
    home.stage(plan + f"?checksum=sha256:{sha256(server.files['/plan.json'])}")


def test_a_release_whose_own_list_contradicts_the_file_is_refused(home, tls):
    server = tls("good.example")
    server.files["/checksums.txt"] = f"{'0' * 64}  testd\n".encode()
    assert (
        "release's own checksums.txt"
        in home.refused(home.info(server.url("/testd", "good.example", "https"))).cause
    )
    server.files["/checksums.txt"] = f"{sha256(PROGRAM)}  testd\n".encode()
    found = home.stage(home.info(server.url("/testd", "good.example", "https")))
    assert [proof.outcome for proof in found.proofs if proof.name == "confidence"] == ["ok"]


# Plans ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    ["git::https://example.com/x", "git::ssh://x/y", "s3::https://s3.amazonaws.com/b/k", "hg::http://x/y", "gcs::https://x/y", "file:///bin/sh",
     "/bin/sh", "../../bin/sh", "github.com/org/repo", "ftp://example.com/x", "ssh://x/y", "https://", "https:///x", "https://exa mple.com/x",
     "https://example.com/\nHost: evil", "https://example.com:99999/x", "https://[::1/x", "-oProxyCommand=x", "javascript:alert(1)", "\\\\host\\share",
     "https://example.com\\@evil.example/x", "https://" + "a" * 9000 + ".com/x", "https://e\u0301xa\u200bmple.com/x"],
)  # fmt: skip
def test_a_source_that_a_chain_must_not_name(home, source):
    home.refused(home.info(source))
    assert not home.server.asked


INFOS = [
    "{" * 100_000, "[" * 100_000, '{"binaries":' * 50_000, '{"a":' + "[" * 50_000 + "]" * 50_000 + "}", "x" * (11 << 20),
    '{"binaries": {"linux/amd64": ["a"]}}', '{"binaries": "x"}', '{"binaries": {"linux/amd64": null}}', "{}", "null", "1e999999", "NaN",
    '{"binaries":{"linux/amd64":""}}', "\x00", "\ud800", "<?xml version='1.0'?>", '{"binaries":{"linux/amd64":"https://x"}', "'{\"a\"",
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(INFOS)))
def test_a_plan_info_made_to_harm(home, number):
    assert "none can be fetched" in reason(home, INFOS[number])
    assert not home.server.asked


def test_a_list_behind_a_url_that_is_a_bomb_a_page_or_a_program(home):
    for number, body in enumerate(
        [b"x" * (2 << 20), b"<html>", PROGRAM, b"[" * 100_000, b"", b"\xff\xfe", b"{}"]
    ):
        home.server.files[f"/{number}"] = body
        cause = reason(home, home.server.url(f"/{number}") + f"?checksum=sha256:{sha256(body)}")
        assert "the list" in cause


def test_a_plan_name_that_is_a_path_stays_one_folder(home):
    info = home.info(home.serve(PROGRAM))
    home.stage(info, name="a/../../x")
    assert os.listdir(home.layout.upgrades) == ["a%2F..%2F..%2Fx"]


def test_voting_never_executes_and_never_commits(home):
    info = home.info(home.serve(PROGRAM))
    ran = []
    from cosmovisor.model.plan import Plan
    from cosmovisor.staging.prepare import Surroundings, prepare
    from cosmovisor.staging.request import Request

    around = Surroundings(
        home.settings, home.layout, {}, network=home.network, probes=lambda *given: ran.append(given)
    )
    prepare(around, Request(Plan("v2", 10, info), execute=False), home.said.append)
    assert not ran
    assert not os.path.exists(home.layout.upgrades)
