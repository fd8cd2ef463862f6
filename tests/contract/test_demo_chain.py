"""One body over real nodes and the demo chain: what holds for recorded bytes holds for the stand-in.

Four pairs of real executables were recorded around a governed upgrade. The demo chain goes through the same
story with the same plan at the same height, and is asked with the very request bytes of the recording.
"""

from __future__ import annotations

import base64
import copy
import json
import re
from typing import Any

import pytest
from tests.support.witness import CHAINS, METHODS, MOMENTS, DemoWitness, RecordedWitness, Witness

from cosmovisor.demo import wire


@pytest.fixture(scope="module", params=CHAINS)
def chain(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def demo(chain, tmp_path_factory) -> DemoWitness:
    return DemoWitness(chain, tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="module", params=["recorded", "demo"])
def witness(request, chain) -> Witness:
    return RecordedWitness(chain) if request.param == "recorded" else request.getfixturevalue("demo")


def value(witness: Witness, moment: str, method: str) -> bytes:
    response = witness.answer(moment, method)["result"]["response"]
    assert response["code"] == 0
    return base64.b64decode(response["value"])


def field(data: bytes, *numbers: int) -> Any:
    for number in numbers[:-1]:
        data = field(data, number)
    return dict(wire.fields(data)).get(numbers[-1])


def test_the_block_store_is_at_the_height_and_the_application_one_below_it(witness):
    status = witness.answer("4-halted", "status")["result"]
    assert status["sync_info"]["latest_block_height"] == str(witness.height)
    assert status["sync_info"]["catching_up"] is False
    info = witness.answer("4-halted", "abci_info")["result"]["response"]
    assert info["last_block_height"] == str(witness.height - 1)


def test_the_halted_node_lives_answers_and_ends_cleanly_when_asked(witness):
    assert witness.answer("4-halted", "health")["result"] == {}
    assert witness.facts()["alive_at_halt"]
    assert witness.facts()["halted_sigterm"] == 0


def test_the_plan_file_has_the_exact_bytes_and_mode_of_the_chain(witness):
    expected = {
        "name": witness.name,
        "time": "0001-01-01T00:00:00Z",
        "height": witness.height,
        "info": witness.info,
    }
    assert witness.plan_file("4-halted") == json.dumps(expected, separators=(",", ":")).encode()
    assert witness.facts()["plan_mode"] == "0o600"


def test_the_old_binary_started_again_refuses_and_writes_the_same_file_again(witness):
    assert witness.facts()["old_again"] == (2 if witness.sdk == "0.47" else 1)
    assert witness.facts()["rewritten"]
    assert witness.plan_file("5-old-again") == witness.plan_file("4-halted")


def test_the_old_binary_refuses_data_of_the_new_one(witness):
    assert witness.facts()["old_after_upgrade"] in (1, 2)


def test_the_sign_state_at_the_halt_is_the_height_in_its_last_step(witness):
    state = witness.sign_state()
    assert (state["height"], state["round"], state["step"]) == (str(witness.height), 0, 3)
    assert re.fullmatch("[0-9A-F]+", state["signbytes"])
    assert base64.b64decode(state["signature"])


@pytest.mark.parametrize("moment", ["1-running", "2-voting", "6-upgraded"])
def test_no_plan_is_an_empty_answer(witness, moment):
    assert value(witness, moment, "current_plan") == b""


@pytest.mark.parametrize("moment", ["3-plan-passed", "4-halted"])
def test_the_scheduled_plan_is_answered_with_name_height_and_info(witness, moment):
    data = value(witness, moment, "current_plan")
    assert field(data, 1, 1).decode() == witness.name
    assert field(data, 1, 3) == witness.height
    assert field(data, 1, 4).decode() == witness.info
    assert field(data, 1, 2, 1) == (1 << 64) - 62135596800


def test_an_applied_plan_has_a_height_and_only_then(witness):
    assert value(witness, "4-halted", "applied_plan") == b""
    assert field(value(witness, "6-upgraded", "applied_plan"), 1) == witness.height


def test_the_proposal_carries_the_plan_in_a_message(witness):
    data = value(witness, "2-voting", "proposals")
    assert field(data, 1, 1) == 1
    assert field(data, 1, 2, 1) == b"/cosmos.upgrade.v1beta1.MsgSoftwareUpgrade"
    assert field(data, 1, 2, 2, 2, 1).decode() == witness.name
    assert field(data, 1, 3) == 2
    assert field(value(witness, "3-plan-passed", "proposals"), 1, 3) == 3


def test_the_authority_is_the_governance_account(witness):
    assert (
        field(value(witness, "1-running", "authority"), 1).decode().partition("1")[2].startswith("0d07y265")
    )


def test_the_version_text_of_the_application_tells_which_binary_answers(witness):
    before = witness.answer("4-halted", "abci_info")["result"]["response"]
    after = witness.answer("6-upgraded", "abci_info")["result"]["response"]
    assert before["version"] != after["version"]
    assert ("app_version" in before, after.get("app_version")) == (False, "1")


def test_the_status_command_has_the_keys_of_its_generation(witness):
    names = (
        ["NodeInfo", "SyncInfo", "ValidatorInfo"]
        if witness.sdk == "0.47"
        else ["node_info", "sync_info", "validator_info"]
    )
    assert list(json.loads(witness.output("status.running"))) == names


def test_the_plan_query_has_the_form_of_its_generation(witness):
    found = json.loads(witness.output("query-plan.passed"))
    plan = found if witness.sdk == "0.47" else found["plan"]
    assert plan == {
        "name": witness.name,
        "time": "0001-01-01T00:00:00Z",
        "height": str(witness.height),
        "info": witness.info,
        **({"upgraded_client_state": None} if witness.sdk == "0.47" else {}),
    }


def shape(content: Any) -> Any:
    """Reduce JSON to its keys and the kinds of its values."""
    if isinstance(content, dict):
        return {name: shape(item) for name, item in content.items()}
    if isinstance(content, list):
        return [shape(item) for item in content]
    if isinstance(content, str):
        for kind, pattern in KINDS.items():
            if re.fullmatch(pattern, content):
                return kind
        return "text"
    return type(content).__name__


KINDS = {
    "empty": "",
    "number": r"\d+",
    "hash": "[0-9A-F]{64}",
    "address": "[0-9A-F]{40}",
    "node id": "[0-9a-f]{40}",
    "time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z",
    "version": r"\d+\.\d+\.\d+(-rc\.\d+)?",
    "socket": r"tcp://[\d.]+:\d+",
}


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("method", METHODS)
def test_every_answer_of_the_demo_has_the_fields_of_the_real_one(chain, demo, moment, method):
    real, mine = (copy.deepcopy(w.answer(moment, method)) for w in (RecordedWitness(chain), demo))
    for answer in (real, mine):
        response = answer["result"].get("response", {})
        if "value" in response:  # what is inside is compared as protobuf below
            response["value"] = base64.b64encode(b"x" if response["value"] else b"").decode()
    assert shape(mine) == shape(real)


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("method", ["current_plan", "applied_plan", "authority"])
def test_protobuf_answers_are_the_same_bytes(chain, demo, moment, method):
    assert value(demo, moment, method) == value(RecordedWitness(chain), moment, method)


def tree(data: bytes, depth: int) -> list[Any]:
    """Field numbers of a message, nested down to a depth."""
    found: list[Any] = []
    for number, content in wire.fields(data):
        try:
            inner = tree(content, depth - 1) if depth and isinstance(content, bytes) else []
        except ValueError:
            inner = []
        found.append((number, inner))
    return found


def test_a_proposal_has_the_fields_of_a_real_one(chain, demo):
    real, mine = value(RecordedWitness(chain), "2-voting", "proposals"), value(demo, "2-voting", "proposals")
    assert [number for number, _ in tree(mine, 0)] == [number for number, _ in tree(real, 0)]
    assert [number for number, _ in tree(field(mine, 1), 0)] == [
        number for number, _ in tree(field(real, 1), 0)
    ]
    assert field(mine, 1, 2, 2) == field(real, 1, 2, 2)
