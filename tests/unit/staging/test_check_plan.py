"""check-plan and make-plan: what every tool would do with a plan, and a plan with which all do the right thing."""

from __future__ import annotations

import gzip
import json

import pytest
from tests.support import authority, binaries
from tests.support.file_server import Server, public
from tests.support.staging_home import sha256, tar, zipped

from cosmovisor.model.errors import PlanError, UsageError
from cosmovisor.model.plan import Plan
from cosmovisor.staging import check_plan, make_plan

AMD, ARM = binaries.elf(binaries.AMD64), binaries.elf(binaries.ARM64)


@pytest.fixture
def server():
    found = Server()
    yield found
    found.close()


@pytest.fixture
def check(server, tmp_path):
    def run(files, *, name="v2", digest=True, wanted=(), info=None):
        sources = {}
        for number, (key, (path, data)) in enumerate(files.items()):
            server.files[f"/{number}{path.split('//')[0]}"] = data
            tail = f"?checksum=sha256:{sha256(data)}" if digest else ""
            sources[key] = server.url(f"/{number}{path}") + tail
        text = info or json.dumps({"binaries": sources})
        return check_plan.check(
            Plan(name, 10, text), "testd", str(tmp_path), public(), lambda _: None, wanted=wanted
        )

    return run


def works(report, platform="linux/amd64"):
    return {tool: columns[platform].works for tool, columns in report.verdicts.items()}


def test_a_good_plan_works_with_every_tool_on_every_platform(check):
    report = check(
        {
            "linux/amd64": ("/a.tar.gz", tar(("bin/testd", AMD), ("LICENSE", b"l"))),
            "linux/arm64": ("/b.tar.gz", tar(("bin/testd", ARM))),
            "darwin/arm64": ("/c", b"\xcf\xfa\xed\xfe" + b"\0" * 100),
            "windows/amd64": ("/d.exe", b"MZ" + b"\0" * 100),
        }
    )
    assert report.good, check_plan.markdown(report)
    assert report.platforms == ("linux/amd64", "linux/arm64", "darwin/arm64", "windows/amd64")
    assert "| this cosmovisor | ✓ | ✓ | ✓ | ✓ |" in check_plan.markdown(report)


def test_a_licence_first_in_a_tar_is_what_the_go_tool_would_install(check):
    report = check({"linux/amd64": ("/a.tar.gz", tar(("LICENSE", b"l"), ("testd", AMD)))})
    found = works(report)
    assert found.pop("this cosmovisor") is True
    assert set(found.values()) == {False}
    assert "takes the first file, 'LICENSE'" in report.verdicts["Go 1.7.1"]["linux/amd64"].reason
    assert not report.good


@pytest.mark.parametrize(
    ("path", "data", "go"),
    [
        ("/testd", AMD, True),
        ("/testd.gz", gzip.compress(AMD, mtime=0), True),
        ("/a.zip", zipped(("LICENSE", b"l"), ("testd", AMD)), True),
        ("/a.tar.gz", tar(("testd", AMD), ("LICENSE", b"l")), True),
        ("/a.tar.gz", tar(("anything", AMD)), True),
        ("/a.zip//x", zipped(("x/bin/testd", AMD), ("y", b"z")), True),
        ("/a.tar.gz", tar(("x/testd", AMD), ("x/LICENSE", b"l")), True),
        ("/a.zip", zipped(("x/testd", AMD), ("x/LICENSE", b"l")), False),
        ("/download", tar(("bin/testd", AMD)), False),
        ("/testd", gzip.compress(AMD, mtime=0), False),
        ("/a.tar.gz", zipped(("bin/testd", AMD)), False),
    ],
    ids=range(11),
)
def test_shapes_that_the_go_tool_takes_and_does_not(check, path, data, go):
    found = works(check({"linux/amd64": (path, data)}))
    assert found.pop("this cosmovisor") is True
    assert set(found.values()) == {go}


def test_swapped_architectures_are_found_days_ahead(check):
    report = check({"linux/amd64": ("/a", ARM), "linux/arm64": ("/b", AMD)})
    assert set(works(report).values()) == {False}
    assert "built for arm64" in check_plan.markdown(report)


def test_a_dead_link_for_one_platform_breaks_only_the_versions_that_fetch_all(check, server):
    text = json.dumps(
        {
            "binaries": {
                "linux/amd64": server.url("/good") + f"?checksum=sha256:{sha256(AMD)}",
                "darwin/amd64": server.url("/dead") + "?checksum=sha256:" + "0" * 64,
            }
        }
    )
    server.files["/good"] = AMD
    found = works(check({}, info=text))
    assert found == {
        "this cosmovisor": True,
        "Go 1.0 to 1.4": True,
        "Go 1.5 to 1.7.0": False,
        "Go 1.7.1": True,
    }


def test_names_of_uname_work_here_only(check):
    report = check({"linux/x86_64": ("/a", AMD)})
    assert works(report) == {
        "this cosmovisor": True,
        "Go 1.0 to 1.4": False,
        "Go 1.5 to 1.7.0": False,
        "Go 1.7.1": False,
    }


def test_an_odd_key_breaks_the_versions_that_check_the_whole_list(check, server):
    server.files["/good"] = AMD
    url = server.url("/good") + f"?checksum=sha256:{sha256(AMD)}"
    found = works(check({}, info=json.dumps({"binaries": {"linux/amd64": url, "docker": "image:v1"}})))
    assert found["Go 1.7.1"] is True
    assert found["Go 1.5 to 1.7.0"] is False


def test_a_wrong_digest_and_shell_quotes_and_a_missing_platform_are_problems(check, server):
    server.files["/good"] = AMD
    bad = json.dumps({"binaries": {"linux/amd64": server.url("/good") + "?checksum=sha256:" + "0" * 64}})
    assert set(works(check({}, info=bad)).values()) == {False}
    good = json.dumps({"binaries": {"linux/amd64": server.url("/good") + f"?checksum=sha256:{sha256(AMD)}"}})
    quoted = works(check({}, info=f"'{good}'"))
    assert quoted.pop("this cosmovisor") is True
    assert set(quoted.values()) == {False}
    wanted = check({}, info=good, wanted=["linux/arm64"])
    assert wanted.verdicts["this cosmovisor"]["linux/arm64"].works is False


@pytest.mark.parametrize(
    ("listed", "good", "said"),
    [
        ("", True, ("warning", "add ?checksum=sha256:")),
        (sha256(AMD), True, ("ok", "the release's own checksums.txt names the same sha256")),
        ("0" * 64, False, ("problem", "is not the file that the release's own checksums.txt names")),
    ],
    ids=["no list", "a list that agrees", "a list that contradicts"],
)
def test_a_url_without_a_digest_is_held_against_its_release_and_gets_the_digest_to_add(
    tmp_path, listed, good, said
):
    release = Server(authority.server("good.example"))
    release.files["/v2/testd"] = AMD
    if listed:
        release.files["/v2/checksums.txt"] = f"{listed}  testd\n".encode()
    info = json.dumps({"binaries": {"linux/amd64": release.url("/v2/testd", "good.example", "https")}})
    network = public(authority.client(), good_example="127.0.0.1")
    report = check_plan.check(Plan("v2", 10, info), "testd", str(tmp_path), network, lambda _: None)
    release.close()
    assert report.good == good
    found = [(each.outcome, each.text) for each in report.findings if each.platform == "linux/amd64"]
    assert any(outcome == said[0] and said[1] in text for outcome, text in found), found
    assert any(sha256(AMD) in text for _, text in found)


def test_what_our_rules_do_not_fetch_is_not_known_of_the_others(check):
    report = check({"linux/amd64": ("/a", AMD)}, digest=False)
    found = works(report)
    assert found.pop("this cosmovisor") is False
    assert set(found.values()) == {None}


def test_capitals_in_a_name_and_libraries_are_warned_about(check):
    report = check(
        {"linux/amd64": ("/a.zip", zipped(("bin/testd", AMD), ("bin/libwasmvm.so", AMD)))}, name="V2"
    )
    assert "its folder is 'v2'" in check_plan.markdown(report)
    assert "LD_LIBRARY_PATH" in report.verdicts["Go 1.7.1"]["linux/amd64"].reason


PLAN = {"name": "v2", "height": 7, "info": "x"}


@pytest.mark.parametrize(
    "document",
    [
        PLAN,
        {
            "messages": [
                {"@type": "/cosmos.upgrade.v1beta1.MsgSoftwareUpgrade", "authority": "a", "plan": PLAN}
            ]
        },
        {"body": {"messages": [{"content": {"title": "t", "plan": {**PLAN, "height": "7"}}}]}},
    ],
)
def test_a_plan_is_found_in_files_proposals_and_transactions(document):
    assert check_plan.read(json.dumps(document)) == Plan("v2", 7, "x")


def test_plan_info_alone_is_a_plan_without_a_name():
    assert check_plan.read(" https://x/y ") == Plan("", 0, "https://x/y")
    assert check_plan.read('{"binaries":{}}') == Plan("", 0, '{"binaries":{}}')
    with pytest.raises(PlanError):
        check_plan.read("  ")
    with pytest.raises(PlanError):
        check_plan.read('{"name": 1, "height": 2}')


def test_a_made_plan_is_read_back_and_carries_the_right_digests(tmp_path):
    path = binaries.place(str(tmp_path / "testd"), AMD)
    found = make_plan.items([f"linux/x86_64={path}@https://x.org/a.tar.gz", "any=https://x.org/b?x=y"])
    document = make_plan.make(found, lambda url: sha256(url.encode()))
    assert document == {
        "binaries": {
            "linux/amd64": f"https://x.org/a.tar.gz?checksum=sha256:{sha256(AMD)}",
            "any": f"https://x.org/b?x=y&checksum=sha256:{sha256(b'https://x.org/b?x=y')}",
        }
    }


@pytest.mark.parametrize(
    "words",
    [
        [], ["linux/amd64"], ["linux/amd64="], ["amiga/68k=https://x/y"], ["linux/amd64=http://x/y"], ["linux/amd64=git::https://x"],
        ["linux/amd64=https://x/a", "linux/x86_64=https://x/b"], ["linux/amd64=/none@https://x/y"],
        ["linux/amd64=https://x/y?checksum=sha256:" + "0" * 64],
    ],
)  # fmt: skip
def test_words_that_make_no_plan_are_refused_with_the_form(words):
    with pytest.raises(UsageError) as caught:
        make_plan.items(words)
    assert caught.value.next_step
