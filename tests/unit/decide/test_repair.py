"""Decisions that put files and records right before a table is asked again."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.facts import GENESIS_LINK, LATER, PLAN, V1, V2, V2_LINK, V3, H, exact, switched
from tests.support.playbook import Play
from tests.support.turns import NOW, SAME_DATA, after, look, of, turn

from cosmovisor.decide import acting, commands, events, repair
from cosmovisor.decide.turn import NEVER, Turn
from cosmovisor.model.decision import Decision
from cosmovisor.model.observations import Link, SeenFolder
from cosmovisor.model.plan import Version
from cosmovisor.model.state import Applied, PlanRecord, Step
from cosmovisor.model.value import replace

CUT = Step("switch", PLAN, V2, V1)
HALT = PlanRecord(PLAN, halt_seen=True, inferred=True)


def act(do: Any, now: Turn, **fields: Any) -> bool:
    """Do what a decision says, as the machine does it; tell whether the tables are asked again."""
    decision = Decision(do, "row", "reason", **fields)
    now.set(decision=decision)
    return acting._ACTIONS[do](now, decision, now.facts())


def saved(now: Turn) -> Any:
    """The document that was saved."""
    (save,) = of(commands.Save, now.commands)
    assert save.state == now.m.state
    return save.state


def work(now: Turn) -> list[Any]:
    """The file work that was commanded, which is always the last."""
    found = [one for one in now.commands if not isinstance(one, commands.Save)]
    assert now.commands[len(now.commands) - len(found) :] == found
    return found


# -- the plan file -------------------------------------------------------------------------------------------


def test_a_plan_file_is_written_for_the_chain_after_its_halt_was_journalled_as_inferred() -> None:
    now = turn(after_exit=True, next_at=1.0, phase="starting")
    assert not act("write file", now, plan=PLAN)
    assert saved(now).records == (HALT,)
    assert work(now) == [commands.WriteFile(PLAN)]
    assert (now.m.phase, now.m.waiting, now.m.next_at, now.m.after_exit) == (
        "starting",
        "reason",
        NEVER,
        False,
    )


def test_without_a_plan_there_is_nothing_to_write() -> None:
    now = turn()
    assert not act("write file", now)
    assert now.commands == []


@pytest.mark.parametrize("known", [True, False])
def test_a_torn_plan_file_is_moved_away_and_its_halt_journalled_where_it_is_known(known: bool) -> None:
    now = turn(after_exit=True, next_at=1.0)
    assert not act("move file aside", now, plan=PLAN if known else None)
    assert work(now) == [commands.MoveAside()]
    assert now.m.state.records == ((HALT,) if known else ())
    assert len(of(commands.Save, now.commands)) == int(known)
    assert (now.m.phase, now.m.waiting, now.m.next_at, now.m.after_exit) == (
        "starting",
        "reason",
        NEVER,
        False,
    )


# -- a switch that was cut in two ----------------------------------------------------------------------------


@pytest.mark.parametrize("proven", [True, False])
def test_a_marker_that_is_missing_is_written_and_then_the_switch_is_journalled(proven: bool) -> None:
    now = turn(next_at=1.0)
    assert not act("finish switch", now, plan=PLAN, version=V2, proven=proven)
    assert work(now) == [commands.WriteMarker(PLAN, V2)]
    assert (now.m.phase, now.m.waiting, now.m.next_at) == ("switching", "reason", NEVER)
    found, asked = after(now.m, events.Done(NOW, "write marker"))
    assert found.state.records == (PlanRecord(PLAN, V2, "switched", inferred=not proven),)
    assert found.goal is None
    assert of(commands.Save, asked) == [commands.Save(found.state)]


@pytest.mark.parametrize(
    ("heights", "back_to"), [({"b": exact(H + 1)}, None), ({"b": exact(H)}, V1), ({}, None)]
)
def test_the_way_back_of_a_finished_switch_is_the_only_other_version_that_fits(
    heights: dict[str, Any], back_to: Version | None
) -> None:
    seen = look(link=V2_LINK, folders=(SeenFolder(V1, True), SeenFolder(V2, True, PLAN)), **heights)
    now = turn(seen=seen, goal=Decision("finish switch", "", "", PLAN, V2))
    repair.after_marker(now)
    assert [one.back_to for one in now.m.state.records] == [back_to]


def test_two_other_versions_that_fit_are_no_way_back() -> None:
    history = (Applied(PLAN, V2, 1.0), Applied(LATER, V3, 1.0))
    now = turn(
        seen=look(b=exact(H)),
        state=replace(
            SAME_DATA, history=(history[0], replace(history[1], plan=replace(LATER, height=H + 1)))
        ),
        goal=Decision("finish switch", "", "", PLAN, V2),
    )
    assert now.facts().fits == (V1, V2, V3)
    repair.after_marker(now)
    assert [one.back_to for one in now.m.state.records] == [None]


@pytest.mark.parametrize("missing", ["plan", "version"])
def test_a_switch_of_nothing_is_not_finished(missing: str) -> None:
    now = turn()
    assert not act("finish switch", now, **{"plan": PLAN, "version": V2, missing: None})
    assert (now.commands, now.m.goal) == ([], None)


@pytest.mark.parametrize(
    "goal",
    [None, Decision("finish switch", "", "", None, V2), Decision("finish switch", "", "", PLAN, None)],
)
def test_a_marker_that_nobody_asked_for_changes_nothing(goal: Decision | None) -> None:
    now = turn(goal=goal)
    repair.after_marker(now)
    assert (now.m.state, now.commands) == (SAME_DATA, [])


# -- the data ------------------------------------------------------------------------------------------------


def test_data_without_a_record_is_recorded_and_the_table_asked_again() -> None:
    now = turn(state=replace(SAME_DATA, data=None))
    assert act("record data", now)
    assert saved(now).data == look().data
    unseen = turn()
    facts = unseen.facts()
    unseen.set(seen=None)
    assert repair.record_data(unseen, Decision("record data", "", ""), facts)
    assert unseen.commands == []


def folders(*marked: Version) -> Any:
    plans = {V2: PLAN, V3: LATER}
    return (
        SeenFolder(V1, True),
        *(SeenFolder(one, True, plans[one] if one in marked else None) for one in plans),
    )


@pytest.mark.parametrize(
    ("link", "version", "marked", "step", "expected"),
    [
        (GENESIS_LINK, V1, (), None, None),
        (V2_LINK, V1, (), None, commands.Activate(V1)),
        (GENESIS_LINK, V1, (V2,), None, commands.Activate(V1, (V2,))),
        (GENESIS_LINK, V1, (V2, V3), None, commands.Activate(V1, (V2, V3))),
        (GENESIS_LINK, V1, (), CUT, commands.Activate(V1, (V2,))),
        (GENESIS_LINK, V1, (V3,), CUT, commands.Activate(V1, (V3, V2))),
        (V2_LINK, V1, (V2,), CUT, commands.Activate(V1, (V2,))),
        (V2_LINK, V2, (), CUT, None),
        (V2_LINK, None, (V3,), CUT, None),
    ],
)
def test_on_other_data_markers_of_its_future_go_and_the_version_that_fits_is_made_active(
    link: Any, version: Version | None, marked: tuple[Version, ...], step: Step | None, expected: Any
) -> None:
    seen = look(link=link, folders=folders(*marked), b=exact(H - 2))
    state = replace(SAME_DATA, records=(PlanRecord(PLAN, halt_seen=True),), step=step)
    now = turn(state=state, seen=seen, after_exit=True, next_at=1.0)
    again = act("reset stages", now, version=version)
    assert again is (expected is None)
    if expected is None:
        assert (saved(now).records, saved(now).step, work(now)) == ((), None, [])
        return
    assert now.commands == [expected], "until the link has moved the document knows that the data is another"
    assert (now.m.phase, now.m.waiting, now.m.next_at) == ("switching", "reason", NEVER)
    assert not now.m.after_exit
    found, asked = after(now.m, events.Done(NOW, "activate"))
    assert of(commands.Save, asked) == [commands.Save(found.state)]
    assert (found.undoing, found.state.records, found.state.step) == (False, (), None)


def test_before_anything_was_seen_nothing_is_reset() -> None:
    now = turn()
    facts = now.facts()
    now.set(seen=None)
    assert not repair.reset_stages(now, Decision("reset stages", "", "", version=V1), facts)
    assert now.commands == []


# -- the link ------------------------------------------------------------------------------------------------


def test_another_version_is_made_active_and_what_is_passed_is_saved_before() -> None:
    now = turn(next_at=1.0)
    assert not act("relink", now, version=V2, passed=PLAN)
    assert saved(now).records == (PlanRecord(PLAN, passed=True),)
    assert work(now) == [commands.Activate(V2)]
    assert (now.m.phase, now.m.waiting, now.m.next_at) == ("switching", "reason", NEVER)


def test_no_version_is_no_link() -> None:
    now = turn()
    assert not act("relink", now)
    assert (now.commands, now.m.phase) == ([], "starting")


# -- undoing -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["switch", "pre-upgrade"])
def test_a_step_that_has_moved_the_link_is_undone_by_moving_it_back_first(kind: Any) -> None:
    step = replace(CUT, kind=kind)
    record = switched("switched", halt_seen=True)
    now = turn(seen=look(link=V2_LINK), state=replace(SAME_DATA, step=step, records=(record,)), next_at=1.0)
    assert not act("undo", now, plan=PLAN, version=V1)
    assert now.commands == [commands.Activate(V1, (V2,))]
    assert (now.m.phase, now.m.waiting, now.m.next_at, now.m.undoing) == ("switching", "reason", NEVER, True)
    assert now.m.state.step == step, "it stays in the journal until the link is back"
    found, asked = after(now.m, events.Done(NOW, "activate"))
    assert (found.undoing, found.state.step) == (False, None)
    assert found.state.records == (PlanRecord(PLAN, halt_seen=True),)
    assert of(commands.Save, asked) == [commands.Save(found.state)]


@pytest.mark.parametrize(
    ("kind", "link", "version"),
    [
        ("backup", V2_LINK, V1),
        ("script", V2_LINK, V1),
        ("switch", GENESIS_LINK, V1),
        ("switch", V2_LINK, None),
        ("go back", V2_LINK, V1),
    ],
)
def test_a_step_that_has_not_moved_the_link_is_only_forgotten(
    kind: Any, link: Any, version: Version | None
) -> None:
    now = turn(seen=look(link=link), state=replace(SAME_DATA, step=replace(CUT, kind=kind)))
    assert act("undo", now, plan=PLAN, version=version)
    assert now.commands == [commands.Save(SAME_DATA)]
    assert (now.m.state, now.m.undoing) == (SAME_DATA, False)


def test_a_switch_that_is_skipped_is_taken_back_and_its_plan_passed() -> None:
    state = replace(SAME_DATA, records=(switched("pre-upgraded"),))
    now = turn(seen=look(link=V2_LINK), state=state)
    assert not act("undo", now, plan=PLAN, version=V1, passed=PLAN)
    assert now.commands == [commands.Activate(V1, (V2,))]
    found, _ = after(now.m, events.Done(NOW, "activate"))
    assert found.state.records == (PlanRecord(PLAN, passed=True),)
    elsewhere = turn(seen=look(link=GENESIS_LINK), state=state)
    assert act("undo", elsewhere, plan=PLAN, version=V1, passed=PLAN)
    assert elsewhere.m.state.records == (PlanRecord(PLAN, passed=True),)


def test_a_link_that_is_missing_was_not_moved_by_a_switch_without_a_version() -> None:
    now = turn(seen=look(link=Link("missing")))
    assert act("undo", now, plan=PLAN, version=V1)
    assert of(commands.Activate, now.commands) == []


def test_nothing_but_the_step_is_forgotten_where_no_plan_is_named() -> None:
    state = replace(SAME_DATA, step=CUT, records=(switched("switched"),))
    now = turn(seen=look(link=GENESIS_LINK), state=state)
    assert act("undo", now)
    assert now.m.state == replace(state, step=None)
    bare = turn(seen=look(link=GENESIS_LINK), state=replace(state, step=None))
    assert act("undo", bare)
    assert bare.m.state.records == state.records


def test_only_an_undoing_is_journalled_when_a_link_was_moved() -> None:
    now = turn(state=replace(SAME_DATA, step=CUT), phase="switching")
    now.set(decision=Decision("relink", "", "", PLAN))
    found, _ = after(now.m, events.Done(NOW, "activate"))
    assert found.state.step == CUT


def test_an_undoing_survives_a_look_at_a_plan_file() -> None:
    play = Play().write_plan()
    now = turn(seen=look(play, link=V2_LINK), state=replace(SAME_DATA, step=CUT))
    act("undo", now, plan=PLAN, version=V1)
    found, _ = after(now.m, events.FactsGathered(NOW, look(play)))
    assert found.undoing
