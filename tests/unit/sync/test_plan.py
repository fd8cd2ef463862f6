"""Plans of a sync: from a file of the operator, from a chain-registry; every problem is named at once."""

from __future__ import annotations

import json
import pathlib

import pytest

from cosmovisor.model.errors import PlanError
from cosmovisor.sync import plan as plans
from cosmovisor.sync.plan import Step

GOOD = b"""
chain_id = "test-1"
[genesis]
url = "https://e.org/v1"
sha256 = "aa"
[[upgrade]]
name = "v2"
height = 10
binaries = { "linux/amd64" = "https://e.org/v2?checksum=sha256:bb" }
[[upgrade]]
name = "v3"
height = 20
url = "https://e.org/v3?archive=false"
sha256 = "cc"
[[upgrade]]
name = "v4"
height = 30
path = "/srv/v4"
[[upgrade]]
name = "v5"
height = 40
info = "https://e.org/plan.json"
[[upgrade]]
name = "v6"
height = 50
"""


def infos(*steps: Step) -> list[object]:
    return [json.loads(step.info)["binaries"] for step in steps]


def test_every_way_to_say_where_a_binary_is():
    found = plans.parse(GOOD)
    assert found.chain_id == "test-1"
    assert [(step.name, step.height) for step in found.steps] == [
        ("v2", 10),
        ("v3", 20),
        ("v4", 30),
        ("v5", 40),
        ("v6", 50),
    ]
    assert found.genesis is not None
    assert infos(found.genesis, *found.steps[:2]) == [
        {"any": "https://e.org/v1?checksum=sha256:aa"},
        {"linux/amd64": "https://e.org/v2?checksum=sha256:bb"},
        {"any": "https://e.org/v3?archive=false&checksum=sha256:cc"},
    ]
    assert [(step.info, step.path) for step in found.steps[2:]] == [
        ("", "/srv/v4"),
        ("https://e.org/plan.json", ""),
        ("", ""),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no [[upgrade]]"),
        ("[[upgrade]]\nheight=1", "names no folder|name"),
        ("[[upgrade]]\nname='v2'", "height"),
        ("[[upgrade]]\nname='v2'\nheight=-1", "height"),
        ("[[upgrade]]\nname='v2'\nheight=true", "height"),
        ("[[upgrade]]\nname='v2'\nheight=1.5", "height"),
        ("[[upgrade]]\nname=5\nheight=1", "name is not a text"),
        ("[[upgrade]]\nname='..'\nheight=1", "'..'|\"..\"|name"),
        ("[[upgrade]]\nname='v2'\nheight=1\nurl='a'\npath='/b'", "one of them is enough"),
        ("[[upgrade]]\nname='v2'\nheight=1\nurl=5", "url is not a text"),
        ("[[upgrade]]\nname='v2'\nheight=1\npath='b'", "not absolute"),
        ("[[upgrade]]\nname='v2'\nheight=1\nsha256='aa'", "belongs to url"),
        ("[[upgrade]]\nname='v2'\nheight=1\nbinaries=['x']", "not a table of URLs"),
        ("[[upgrade]]\nname='v2'\nheight=1\nbinaries={any=5}", "not a table of URLs"),
        ("[[upgrade]]\nname='v2'\nheight=1\nurls='x'", "unknown keys: urls"),
        ("upgrades=[]", "unknown keys: upgrades"),
        ("chain_id=5\n[[upgrade]]\nname='v2'\nheight=1", "chain_id"),
        ("[[upgrade]]\nname='v2'\nheight=5\n[[upgrade]]\nname='v3'\nheight=5", "not above"),
        ("[[upgrade]]\nname='v2'\nheight=5\n[[upgrade]]\nname='V2'\nheight=6", "comes twice"),
        ("upgrade=5", "no [[upgrade]]"),
        ("upgrade=[5]", "not a table"),
        ("[[upgrade", "not TOML"),
        ("a=" + "[" * 5000, "not TOML"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(text, words):
    with pytest.raises(PlanError) as caught:
        plans.parse(text.encode())
    assert any(word in caught.value.cause for word in words.split("|")), caught.value.cause


def test_all_problems_are_told_at_once():
    with pytest.raises(PlanError) as caught:
        plans.parse(
            b"[[upgrade]]\nname='v2'\nheight=0\n[[upgrade]]\nname='v3'\nheight='x'\n[[upgrade]]\nname='v4'\nheight=1\nurl=''"
        )
    assert all(name in caught.value.cause for name in ("v2", "v3", "v4"))


def test_files_are_bounded(tmp_path):
    path = tmp_path / "plan.toml"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(PlanError, match="larger"):
        plans.load(str(path))
    path.write_text(
        "".join(f"[[upgrade]]\nname='v{n}'\nheight={n}\n" for n in range(1, plans.STEPS_LIMIT + 5))
    )
    with pytest.raises(PlanError, match="more than 1000"):
        plans.load(str(path))


def test_a_missing_file_is_an_error_with_a_next_step(tmp_path):
    with pytest.raises(PlanError) as caught:
        plans.load(str(tmp_path / "none"))
    assert "registry" in caught.value.next_step


def registry(tmp_path, versions: object, chain: object = None):
    (tmp_path / "versions.json").write_text(json.dumps({"versions": versions}))
    if chain is not None:
        (tmp_path / "chain.json").write_text(json.dumps(chain))
    return str(tmp_path)


def test_a_folder_of_the_chain_registry(tmp_path):
    versions = [
        {"name": "v1", "binaries": {"linux/amd64": "https://e.org/v1"}},
        {"name": "v3", "height": 30, "binaries": {"linux/amd64": "https://e.org/v3"}},
        {"name": "v2", "height": 20},
        {"name": "v3.1", "height": 30, "binaries": {"linux/amd64": "https://e.org/v3.1"}},
        {"name": "v3.2", "binaries": {"linux/amd64": "https://e.org/v3.2"}},
    ]
    found = plans.load(registry(tmp_path, versions, {"chain_id": "test-1"}))
    assert found.chain_id == "test-1"
    assert found.genesis is not None
    assert infos(found.genesis) == [{"linux/amd64": "https://e.org/v1"}]
    assert [(step.name, step.height) for step in found.steps] == [("v2", 20), ("v3", 30)]
    assert found.steps[0].info == ""
    assert infos(found.steps[1]) == [{"linux/amd64": "https://e.org/v3.1"}]
    assert plans.load(str(tmp_path / "versions.json")).steps == found.steps


@pytest.mark.parametrize("versions", [[], [{"name": "v1"}], 5, [{"name": "..", "height": 5}]])
def test_a_registry_without_upgrades_is_refused(tmp_path, versions):
    with pytest.raises(PlanError):
        plans.load(registry(tmp_path, versions))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_example_of_the_documentation_is_a_plan(language):
    page = pathlib.Path(__file__).parents[3] / "docs" / language / "sync.md"
    example = page.read_text(encoding="utf-8").partition("```toml\n")[2].partition("```")[0]
    found = plans.parse(example.encode())
    assert [step.height for step in found.steps] == [58700, 265221]
    assert found.genesis is not None
