"""Where a binary can come from: overrides, local folders, registries, mirrors, lists; in the right order."""

from __future__ import annotations

import json
import os

import pytest
from tests.support import binaries
from tests.support.staging_home import KEY, PROGRAM, Home, sha256, tar

from cosmovisor.model.errors import ConfigurationError
from cosmovisor.model.plan import Plan
from cosmovisor.model.value import replace
from cosmovisor.staging import download, overrides, registry, sources
from cosmovisor.staging.address import SourceError, parse
from cosmovisor.staging.outcome import NotYet
from cosmovisor.staging.platforms import Platform, choose


@pytest.fixture
def home(tmp_path):
    found = Home(tmp_path)
    yield found
    found.close()


def configure(home, text):
    with open(home.layout.config_file, "w") as file:
        file.write(text)


# Overrides ------------------------------------------------------------------------------------------------


def test_the_operators_url_stands_before_the_plans(home):
    configure(home, f'[sources."v2"]\nurl = "{home.serve(PROGRAM, "/mine")}"\n')
    home.stage(home.info(home.server.url("/theirs") + "?checksum=sha256:" + "0" * 64))
    assert home.server.asked == ["/mine"]


def test_a_pin_makes_plain_http_good_and_another_file_bad(home):
    home.server.files["/testd"] = PROGRAM
    configure(home, f'[sources.v2]\nsha256 = "{sha256(PROGRAM)}"\n')
    found = home.stage(home.info(home.server.url("/testd")))
    assert found.trust == "pinned"
    configure(home, f'[sources.v3]\nsha256 = "{"0" * 64}"\n')
    with pytest.raises(NotYet, match="is not the file"):
        home.stage(home.info(home.server.url("/testd")), name="v3")


def test_a_pin_of_the_program_holds_for_archives_and_for_hand_placed_files(home):
    configure(
        home,
        f'[sources.v2]\nbinary_sha256 = "{sha256(PROGRAM)}"\n[sources.v3]\nbinary_sha256 = "{"0" * 64}"\n',
    )
    found = home.stage(home.info(home.serve(tar(("bin/testd", PROGRAM)), digest=False)))
    assert found.trust == "pinned"
    with pytest.raises(NotYet, match="pinned"):
        home.stage(home.info(home.serve(tar(("bin/testd", PROGRAM)))), name="v3")
    assert not os.path.exists(home.path("v3"))
    binaries.place(home.path("v3"), PROGRAM)
    with pytest.raises(NotYet, match="pinned"):
        home.stage("", name="v3")


def test_a_local_file_and_a_local_folder_need_no_network_and_no_permission(home, tmp_path):
    home.settings = binaries.settings(home.home)
    path = binaries.place(
        str(tmp_path / "home" / "cosmovisor" / "local.tar.gz"), tar(("bin/testd", PROGRAM)), 0o644
    )
    configure(home, f'[sources.v2]\nurl = "{path}"\n')
    assert home.stage("").trust == "hand"
    os.makedirs(f"{home.layout.root}/binaries/v3/bin")
    binaries.place(f"{home.layout.root}/binaries/v3/bin/testd", PROGRAM)
    configure(home, f'[sources]\nfolder = "{home.layout.root}/binaries"\n')
    home.stage("", name="v3")
    with open(home.path("v3"), "rb") as file:
        assert file.read() == PROGRAM
    assert os.path.exists(f"{home.layout.root}/binaries/v3/bin/testd")


@pytest.mark.parametrize(
    "text",
    ["sources = 1", "[sources]\nfolder = 1", '[sources]\nfolder = "rel"', "[sources]\nx = 'y'", '[sources.v2]\nsha256 = "zz"',
     "[sources.v2]\nsha256 = 'md5:00000000000000000000000000000000'", "[sources.v2]\nshaa = 'x'", "[sources.v2]\nurl = 3", "x = ["],
)  # fmt: skip
def test_a_table_that_is_wrong_is_an_error_and_never_passed_over(home, text):
    configure(home, text)
    with pytest.raises(ConfigurationError):
        overrides.load(home.layout)
    with pytest.raises(ConfigurationError):
        home.stage(home.info(home.serve(PROGRAM)))
    assert not os.path.exists(home.layout.upgrades)


# Mirrors --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mirror", "expected"),
    [
        ("https://m.org/bin/", "https://m.org/bin/d_1.tar.gz"),
        ("https://m.org/{plan}/{file}", "https://m.org/v2%2Fx/d_1.tar.gz"),
        ("https://m.org/{host}/{path}", "https://m.org/github.com/o/r/d_1.tar.gz"),
    ],
)
def test_a_mirror_is_a_folder_or_a_pattern(mirror, expected):
    assert (
        sources.mirrored(
            mirror, parse("https://github.com/o/r/d_1.tar.gz?checksum=sha256:" + "0" * 64), "v2/x"
        )
        == expected
    )


def test_a_mirror_is_asked_when_the_plans_own_url_fails(home):
    home.settings = binaries.settings(
        home.home, daemon_allow_download_binaries=True, cosmovisor_mirrors=(home.server.url("/mirror"),)
    )
    home.server.files["/mirror/testd"] = PROGRAM
    home.stage(home.info(home.server.url("/gone/testd") + f"?checksum=sha256:{sha256(PROGRAM)}"))
    assert home.server.asked == ["/gone/testd", "/mirror/testd"]


def test_a_mirror_with_another_file_is_not_believed(home):
    home.settings = binaries.settings(
        home.home, daemon_allow_download_binaries=True, cosmovisor_mirrors=(home.server.url("/mirror"),)
    )
    home.server.files["/mirror/testd"] = b"evil"
    home.refused(home.info(home.server.url("/gone/testd") + f"?checksum=sha256:{sha256(PROGRAM)}"))


# Registries -----------------------------------------------------------------------------------------------

VERSIONS = {
    "versions": [
        {"name": "v1", "height": 0, "binaries": {"linux/amd64": "https://x/1"}},
        {"name": "V2", "height": 10, "tag": "v2.0.1", "binaries": {"linux/amd64": "https://x/2"}},
        {"name": "v3", "height": 20},
        {"name": "other-name", "height": 30, "binaries": {"linux/amd64": "https://x/3"}},
        "nonsense", {"name": 1}, {"name": "v5", "binaries": []}, {"name": "v6", "height": True, "binaries": {"a": 1}},
    ]
}  # fmt: skip


@pytest.mark.parametrize("document", [VERSIONS, {"codebase": VERSIONS}])
def test_a_registry_is_read_in_both_forms_and_asked_by_name_then_by_height(document):
    entries = registry.parse(json.dumps(document))
    assert registry.choose(entries, Plan("v2", 99)).tag == "v2.0.1"
    assert registry.choose(entries, Plan("unnamed", 30)).name == "other-name"
    assert registry.choose(entries, Plan("v3", 20)) is None
    assert registry.choose(entries, Plan("v9", 99)) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", "x", '{"versions": 1}', "[" * 100_000])
def test_what_is_no_registry_is_refused(text):
    with pytest.raises(SourceError):
        registry.parse(text)


def test_a_registry_is_only_asked_where_the_plan_says_nothing(home):
    os.makedirs(f"{home.layout.root}/registry")
    entry = {"name": "v2", "height": 10, "binaries": {KEY: home.serve(PROGRAM, "/registry")}}
    with open(f"{home.layout.root}/registry/versions.json", "w") as file:
        json.dump({"versions": [entry]}, file)
    configure(home, f'[sources]\nregistry = "{home.layout.root}/registry"\n')
    found = home.stage("")
    assert found.trust == "https", "a hint of the community is worth no more than its fetch"
    home.stage(home.info(home.serve(PROGRAM, "/plan")), name="v7")
    assert home.server.asked == ["/registry", "/plan"]


@pytest.mark.parametrize(
    ("file", "named"),
    [
        ("chain.json", ""),
        ("versions.json", ""),
        ("chain.json", "chain.json"),
        ("versions.json", "versions.json"),
    ],
)
def test_a_clone_of_the_chain_registry_is_read_as_a_folder_or_as_either_of_its_files(home, file, named):
    folder = f"{home.layout.root}/chain-registry/testchain"
    entry = {"name": "V2", "height": 10, "tag": "v2.0.1", "binaries": {KEY: home.serve(PROGRAM, "/registry")}}
    other = {"name": "v1", "height": 1, "binaries": {KEY: home.server.url("/old")}}
    listed = {"versions": [other, entry]}
    document = {"chain_name": "testchain", "codebase": listed} if file == "chain.json" else listed
    binaries.place(f"{folder}/{file}", json.dumps(document).encode(), 0o644)
    configure(home, f'[sources]\nregistry = "{os.path.join(folder, named)}"\n')
    home.stage("see the forum", name="v2")
    assert home.server.asked == ["/registry"]
    with open(home.path(), "rb") as found:
        assert found.read() == PROGRAM


def test_a_folder_that_is_no_registry_is_said_and_nothing_comes_of_it(home):
    os.makedirs(f"{home.layout.root}/../registry")
    configure(home, f'[sources]\nregistry = "{home.home}/registry"\n')
    with pytest.raises(NotYet, match="neither versions.json nor chain.json"):
        home.stage("")


def test_a_local_folder_knows_the_usual_names(tmp_path):
    for name in ("v2.tar.gz", "testd-v3", "testd_v4_linux_amd64.zip", "v5/testd"):
        binaries.place(str(tmp_path / name), b"x")
    platform = Platform("linux", "amd64")
    found = [registry.in_folder(str(tmp_path), f"v{n}", "testd", platform) for n in (2, 3, 4, 5, 6)]
    assert [os.path.relpath(path, tmp_path) if path else "" for path in found] == [
        "v2.tar.gz", "testd-v3", "testd_v4_linux_amd64.zip", "v5/testd", "",
    ]  # fmt: skip


# Keys and addresses ---------------------------------------------------------------------------------------


def test_the_exact_key_stands_before_other_words_and_before_any():
    amd = Platform("linux", "amd64")
    assert choose({"any": "", "linux/x86_64": "", "linux/amd64": ""}, amd) == "linux/amd64"
    assert choose({"any": "", "linux/x86_64": ""}, amd) == "linux/x86_64"
    assert choose({"any": ""}, amd) == "any"
    assert choose({"linux/aarch64": ""}, Platform("linux", "arm64")) == "linux/aarch64"
    assert choose({"darwin/amd64": ""}, amd) is None


def test_an_address_is_taken_apart_as_the_go_library_does():
    found = parse(
        "https://u:p@h.org:8/a/b.tar.gz//x/y?checksum=sha256:" + "A" * 64 + "&archive=zip&token=1#f"
    )
    assert found.url == "https://u:p@h.org:8/a/b.tar.gz?token=1"
    assert (found.digest.hex, found.archive, found.folder, found.file) == ("a" * 64, "zip", "x/y", "b.tar.gz")
    assert "p@" not in found.shown
    assert "token=1" not in found.shown
    assert parse("https://h/a%2Fb.gz").url == "https://h/a%2Fb.gz"
    assert parse("https://h/a//b").url == "https://h/a//b"
    assert parse("https://h/a.tgz?archive=false").raw
    assert parse("https://h/a?checksum=").digest is None
    assert [parse(f"https://h/a?checksum={'0' * n}").digest.kind for n in (32, 40, 64, 128)] == [
        "md5",
        "sha1",
        "sha256",
        "sha512",
    ]
    assert parse("https://h/a?checksum=file:https://h/sums").checksum_url == "https://h/sums"


def test_two_checksums_are_one_too_many():
    with pytest.raises(SourceError, match="twice"):
        parse("https://h/a?checksum=sha256:" + "0" * 64 + "&checksum=sha256:" + "1" * 64)


# Keeping --------------------------------------------------------------------------------------------------


def test_only_the_newest_leftovers_are_kept(home):
    folder = f"{home.layout.staging}/cache"
    for number in range(5):
        os.utime(binaries.place(f"{folder}/{number}", b"x"), (number, number))
    download.prune(home.layout, 2, "0")
    assert sorted(os.listdir(folder)) == ["0", "3", "4"]


def test_a_run_keeps_as_many_files_of_other_plans_as_the_operator_wants(home):
    home.settings = replace(home.settings, cosmovisor_staging_keep=2)
    digests = []
    for number in range(5):
        data = binaries.elf(size=5000 + number)
        digests.append(sha256(data))
        home.stage(home.info(home.serve(data, f"/{number}")), name=f"v{number}", execute=False)
        os.utime(f"{home.layout.staging}/cache/{digests[-1]}", (number, number))
    assert set(os.listdir(f"{home.layout.staging}/cache")) == set(digests[-3:])


def test_a_file_is_kept_under_its_digest_whatever_its_url_and_serves_another_plan(home):
    home.stage(home.info(home.serve(PROGRAM)), execute=False)
    assert os.listdir(f"{home.layout.staging}/cache") == [sha256(PROGRAM)]
    elsewhere = home.server.url("/gone") + f"?checksum=sha256:{sha256(PROGRAM)}"
    home.stage(home.info(elsewhere), name="v3")
    assert len(home.server.asked) == 1


def test_a_kept_file_that_has_changed_is_fetched_again(home):
    info = home.info(home.serve(PROGRAM))
    home.stage(info, execute=False)
    with open(f"{home.layout.staging}/cache/{sha256(PROGRAM)}", "r+b") as file:
        file.write(b"evil")
    home.stage(info)
    assert len(home.server.asked) == 2
    with open(home.path(), "rb") as file:
        assert file.read() == PROGRAM


def test_an_unfinished_download_is_taken_up_by_the_next_run(home):
    data = PROGRAM + os.urandom(200_000)
    url = home.server.url("/testd") + f"?checksum=sha256:{sha256(data)}"

    def cut(exchange):
        if "range" in exchange.headers:
            exchange.answer(status=503)
        else:
            exchange.send(f"HTTP/1.1 200 OK\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data[:100_000])

    home.server.files["/testd"] = cut
    with pytest.raises(NotYet):
        home.stage(home.info(url))
    home.server.files["/testd"] = data
    home.server.ranges.clear()
    home.stage(home.info(url))
    assert home.server.ranges == ["bytes=100000-"]


def test_without_a_digest_nothing_of_an_earlier_run_is_believed(home):
    home.settings = binaries.settings(home.home, daemon_allow_download_binaries=True, cosmovisor_trust="off")
    home.server.files["/testd"] = lambda exchange: exchange.send(
        b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 99
    )
    with pytest.raises(NotYet):
        home.stage(home.info(home.server.url("/testd")))
    home.server.files["/testd"] = PROGRAM
    home.server.ranges.clear()
    home.stage(home.info(home.server.url("/testd")))
    assert home.server.ranges == []
    with open(home.path(), "rb") as file:
        assert file.read() == PROGRAM


def test_libraries_and_other_files_of_the_operator_stay_when_a_binary_is_fetched_into_their_folder(home):
    folder = os.path.dirname(os.path.dirname(home.path()))
    binaries.place(f"{folder}/lib/liba.so", b"mine")
    binaries.place(f"{folder}/bin/helper", b"mine")
    archive = tar(("bin/testd", PROGRAM), ("bin/liba.so", binaries.elf()), ("docs/x", b"y"))
    home.stage(home.info(home.serve(archive)))
    with open(f"{folder}/lib/liba.so", "rb") as file:
        assert file.read() == b"mine"
    assert sorted(os.listdir(folder)) == ["bin", "docs", "lib"]
    assert sorted(os.listdir(f"{folder}/bin")) == ["helper", "testd"]
