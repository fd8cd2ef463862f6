"""Plan info of real chains, and what a hostile proposal could put there."""

from __future__ import annotations

import json
import pathlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosmovisor.plan.info import LARGEST, PlanInfo, parse, parse_fetched

PLANS = sorted((pathlib.Path(__file__).parents[2] / "data" / "plans").glob("*.json"))


def load(name):
    return json.loads((PLANS[0].parent / f"{name}.json").read_text())


def test_the_corpus_is_whole():
    assert len(PLANS) == 146


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_a_published_plan_is_understood_at_least_as_well_as_by_the_go_tool(path):
    document = json.loads(path.read_text())
    info = document["plan"]["info"]
    go = document["go_cosmovisor"]["class"]
    found = parse(info)
    if document.get("resolved_info"):
        assert (found.kind, found.url) == ("url", info.strip())
        found = parse_fetched(document["resolved_info"])
    if go in {"A", "B", "F"}:
        assert found.kind == "binaries"
        assert any(key in {"linux/amd64", "any"} for key, _ in found.binaries)
        assert found.notes == ()
    elif go == "G":
        assert found.kind == "empty"
    elif go == "U":
        assert found.kind == "url"
    elif go == "D":
        assert found.kind in {"binaries", "placeholder"}
        assert not any(key in {"linux/amd64", "any"} for key, _ in found.binaries)
    else:
        assert found.kind in {"binaries", "placeholder", "text", "broken", "url"}
    assert bool(found.problem) == (found.kind not in {"binaries", "url"})


def test_quotes_of_a_shell_are_taken_off_and_said():
    found = parse(load("evmos-v19.2.0-const")["plan"]["info"])
    assert found.kind == "binaries"
    assert dict(found.binaries)["linux/amd64"].endswith("evmos_19.2.0_Linux_amd64.tar.gz")
    assert "quotes" in found.notes[0]


def test_one_level_of_escapes_too_many_is_undone_and_said():
    plain, escaped = (parse(load(f"poktroll-v0.0.4{end}")["plan"]["info"]) for end in ("", "-doubly-escaped"))
    assert escaped.binaries == plain.binaries
    assert escaped.notes
    assert not plain.notes


def test_a_stray_comma_behind_is_taken_off():
    found = parse(load("terra2-script-trailing-comma")["plan"]["info"])
    assert found.kind == "placeholder"
    assert "','" in found.notes[0]
    assert parse('{"binaries":{"any":"https://x"}},').kind == "binaries"


@pytest.mark.parametrize("name", ["akash-v1.0.0-placeholder", "xiontestnet2-v27-placeholder"])
def test_placeholders_are_to_be_read_again(name):
    found = parse_fetched(load(name)["resolved_info"])
    assert found.kind == "placeholder"
    assert "later" in found.problem


def test_a_documented_wrong_form_is_a_placeholder():
    assert parse(load("jackal-doc-wrong-form")["plan"]["info"]).kind == "placeholder"


@pytest.mark.parametrize(
    ("info", "found"),
    [
        (
            '{"binaries":{"os1/arch1":"url1","os2/arch2":"url2"}}',
            (("os1/arch1", "url1"), ("os2/arch2", "url2")),
        ),
        ('{"Binaries":{"any":"u"},"other":{"x":1}}', (("any", "u"),)),
        ('{"binaries":{"any":"u"},"BINARIES":{"linux/amd64":"v"}}', (("any", "u"), ("linux/amd64", "v"))),
        ('{"binaries":{"any":"u"},"binaries":null}', ()),
        ('{"binaries":{"any":"u"},"binaries":{"any":"v"}}', (("any", "v"),)),
        ("{}", ()),
        ('{"binaries":null}', ()),
        ('{"binaries":{"any":null}}', (("any", ""),)),
    ],
)
def test_objects_are_read_as_go_reads_them(info, found):
    assert parse(info).binaries == found


def test_an_entry_that_stands_twice_is_said():
    found = parse('{"binaries":{"any":"https://a","any":"https://b"}}')
    assert found.binaries == (("any", "https://b"),)
    assert "twice" in found.notes[0]


@pytest.mark.parametrize(
    ("info", "kind"),
    [
        ("", "empty"),
        (" \n\t ", "empty"),
        ("https://x.example/info.json?checksum=sha256:12", "url"),
        ("  http://x\n", "url"),
        ("/etc/passwd", "url"),
        ("git::https://x/y", "url"),
        ("file:///x", "url"),
        ("'https://x/y'", "url"),
        ("https://x y", "text"),
        ("mailto:x", "text"),
        ("Note: see the forum", "text"),
        ("v2 of everything", "text"),
        ("'", "text"),
        ('"', "text"),
        ("{upgradeType:major}", "broken"),
        ("[]", "broken"),
        ('{"binaries":[]}', "broken"),
        ('{"binaries":{"any":5}}', "broken"),
        ('{"binaries":"x"}', "broken"),
        ('{"binaries":{"any":"https://x"}', "broken"),
        ('{"binaries":{"any":"https://x"}} trailing', "broken"),
        ('{"a":NaN}', "broken"),
        ('{\\"binaries\\":', "broken"),
        ("https://" + "x" * 20_000, "broken"),
        ('{"binaries":{"any":"%s"}}' % ("x" * 20_000), "broken"),
        ('{"binaries":{"' + "k" * 300 + '":"x"}}', "broken"),
        ('{"binaries":{' + ",".join(f'"k{n}":"x"' for n in range(300)) + "}}", "broken"),
        ("[" * 1_000_000, "broken"),
        ('{"a":' * 500_000, "broken"),
        ("x" * (LARGEST + 1), "broken"),
        ('{"a":%s}' % ("9" * 100_000), "broken"),
    ],
    ids=lambda text: text[:30],
)
def test_other_forms(info, kind):
    found = parse(info)
    assert found.kind == kind
    assert bool(found.problem) == (kind not in {"binaries", "url"})


def test_ten_megabytes_are_taken_apart_in_moments():
    info = '{"x":"%s","binaries":{"any":"https://x"}}' % ("y" * (LARGEST - 100))
    before = time.process_time()
    assert parse(info).kind == "binaries"
    assert time.process_time() - before < 5


def test_a_url_behind_a_url_is_not_followed():
    assert parse_fetched("https://elsewhere").kind == "broken"
    assert parse_fetched('{"binaries":{"any":"https://x"}}').kind == "binaries"


@given(st.text())
def test_any_text_gives_an_answer(info):
    assert isinstance(parse(info), PlanInfo)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(["binaries", "Binaries", "any", "x"]), inner)
        ),
        max_leaves=8,
    )
)
def test_any_json_gives_an_answer(document):
    assert isinstance(parse(json.dumps(document)), PlanInfo)
