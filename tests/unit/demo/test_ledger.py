"""The checker finds what was planted, and nothing in an honest ledger."""

from __future__ import annotations

from cosmovisor.demo import ledger


def sign(pid: int, height: int, block: str, **other: object) -> dict[str, object]:
    return {
        "what": "sign",
        "pid": pid,
        "life": f"life {pid}",
        "chain": "c",
        "key": "K",
        "height": height,
        "round": 0,
        "step": 3,
        "block": block,
        "version": "v1",
        **other,
    }


def test_an_honest_life_has_no_conflict():
    assert ledger.conflicts([sign(1, 1, "A"), sign(1, 2, "B"), sign(2, 2, "B"), sign(2, 3, "C")]) == []


def test_a_planted_double_signature_is_found():
    (text,) = ledger.conflicts([sign(1, 1, "A"), sign(1, 2, "B"), sign(2, 2, "X")])
    assert "double signature at height 2" in text


def test_the_same_height_of_another_chain_or_key_is_no_conflict():
    assert ledger.conflicts([sign(1, 1, "A"), sign(1, 1, "B", chain="d"), sign(1, 1, "C", key="L")]) == []


def test_a_process_number_that_is_given_to_another_node_later_is_no_conflict():
    again = sign(1, 3, "C", life="another life")
    assert ledger.conflicts([sign(1, 1, "A"), sign(2, 2, "B"), again]) == []


def test_two_nodes_beside_each_other_are_found_without_a_double_signature():
    (text,) = ledger.conflicts([sign(1, 1, "A"), sign(2, 2, "B"), sign(1, 3, "C")])
    assert "two nodes beside each other" in text


def test_an_old_binary_after_the_halt_is_found_and_only_in_its_own_home():
    halt = {"what": "halt", "plan": "v2", "home": "/h"}
    start = {"what": "start", "home": "/h", "handlers": []}
    good = {"what": "start", "home": "/h", "handlers": ["v2"]}
    other = {"what": "start", "home": "/i", "handlers": []}
    assert ledger.old_starts_after_halt([start, halt, good, other]) == []
    assert ledger.old_starts_after_halt([start, halt, start, good]) == [start]


def test_notes_of_several_processes_are_whole_lines(tmp_path):
    path = str(tmp_path / "ledger")
    ledger.note(path, "start", version="v1")
    ledger.note(path, "exit", code=0)
    assert [entry["what"] for entry in ledger.read(path)] == ["start", "exit"]
