"""Each law is checked: a wrong rule put in on purpose breaks it, and the search tells the shortest way there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from cosmovisor.decide import acting, after_exit, going_back, machine, repair, running, steps
from cosmovisor.decide.words import due, is_open
from cosmovisor.model.decision import Decision
from cosmovisor.model.plan import GENESIS_VERSION
from cosmovisor.model.value import replace
from tests.model.configs import CONFIGS
from tests.model.laws import LAWS
from tests.model.search import Result, search


class Wrong(NamedTuple):
    """A wrong rule: what is changed, where it shows, how long the way there is, and how that ends.

    `plant` changes the decision code; `length` counts the moves and the break itself.
    """

    plant: Callable[[Any], None]
    config: str
    length: int
    end: tuple[str, ...] = ()


def _wrap(patch: Any, where: Any, name: str, wrong: Callable[[Any, Any], Any]) -> None:
    """Put `wrong` around a table: it gets the facts and the right decision."""
    real = getattr(where, name)
    patch.setattr(where, name, lambda facts: wrong(facts, real(facts)))


def an_orphan_is_not_looked_for(patch: Any) -> None:
    patch.setitem(machine._HANDLERS, machine.events.OrphanFound, machine._on_started)


def the_first_version_is_launched_whatever_is_active(patch: Any) -> None:
    def wrong(_facts: Any, right: Any) -> Any:
        return replace(right, version=GENESIS_VERSION) if right.do == "launch" else right

    _wrap(patch, acting, "decide_launch", wrong)


def a_restored_copy_keeps_its_version_as_proven(patch: Any) -> None:
    real = repair.rebuild.reset_stages

    def wrong(*given: Any) -> Any:
        state = real(*given)
        return replace(state, records=tuple(replace(one, inferred=False) for one in state.records))

    patch.setattr(repair.rebuild, "reset_stages", wrong)


def a_start_follows_the_link_at_the_halt(patch: Any) -> None:
    def wrong(facts: Any, right: Any) -> Any:
        if right.do in {"upgrade", "hold"}:
            return Decision("launch", "planted", "as the link says", version=facts.link.version)
        return right

    _wrap(patch, acting, "decide_launch", wrong)


def nothing_is_due(patch: Any) -> None:
    for name in ("decide_running", "decide_after_exit", "decide_launch"):

        def wrong(facts: Any, right: Any) -> Any:
            if right.do not in {"upgrade", "hold"}:
                return right
            if facts.node.state == "running":
                return Decision("wait", "planted", "nothing is due")
            if facts.node.state == "exited":
                return Decision("exit", "planted", "nothing is due")
            return Decision("launch", "planted", "nothing is due", version=facts.link.version)

        _wrap(patch, acting, name, wrong)


def a_start_at_the_halt_is_refused(patch: Any) -> None:
    def wrong(_facts: Any, right: Any) -> Any:
        return Decision("refuse", "planted", "a human must look") if right.do == "upgrade" else right

    _wrap(patch, acting, "decide_launch", wrong)


def an_exact_schedule_is_not_armed(patch: Any) -> None:
    patch.setattr(acting, "halt_height", lambda _facts: 0)


def pre_upgrade_is_left_out(patch: Any) -> None:
    real = steps.run_step

    def wrong(turn: Any, step: Any) -> None:
        if step.kind == "pre-upgrade":
            steps._finished(turn, step)
        else:
            real(turn, step)

    patch.setattr(steps, "run_step", wrong)


def a_plan_that_is_seen_is_due(patch: Any, *, proven: bool = False) -> None:
    def wrong(facts: Any, right: Any) -> Any:
        plan = facts.file.plan
        if plan is None or not is_open(facts, plan):
            return right
        return due(facts, plan, "planted", "it is planned", proven=proven)

    _wrap(patch, acting, "decide_running", wrong)


def a_plan_that_is_seen_is_proven(patch: Any) -> None:
    a_plan_that_is_seen_is_due(patch, proven=True)


def a_stale_plan_is_due_at_a_start(patch: Any) -> None:
    def wrong(facts: Any, right: Any) -> Any:
        plan = facts.file.plan
        if plan is None or not is_open(facts, plan) or not facts.b.reaches(plan.height):
            return right
        return due(facts, plan, "planted", "the data stands at its height", proven=False)

    _wrap(patch, acting, "decide_launch", wrong)


def a_plan_is_passed_at_its_height(patch: Any) -> None:
    def wrong(facts: Any, right: Any) -> Any:
        plan = facts.file.plan
        if plan is None or not is_open(facts, plan) or not facts.b.reaches(plan.height):
            return right
        return Decision("wait", "planted", "the data stands at its height", plan, passed=plan)

    _wrap(patch, acting, "decide_running", wrong)


def every_end_of_a_new_program_is_a_refusal(patch: Any) -> None:
    def wrong(facts: Any, right: Any) -> Any:
        for record in facts.records:
            if record.version == facts.node.version and record.version == facts.link.version:
                return Decision("go back", "planted", "it ended", record.plan, record.back_to, proven=False)
        return right

    _wrap(patch, after_exit, "decide_going_back", wrong)


def going_back_is_forgotten(patch: Any) -> None:
    """A start takes every plan that is seen as due, and after going back does so again."""
    real = steps.ledger.gone_back

    def forgetful(*given: Any) -> Any:
        state = real(*given)
        return replace(state, records=tuple(replace(one, gone_back=False) for one in state.records))

    def hasty(facts: Any, right: Any) -> Any:
        plan = facts.file.plan
        if plan is None or not is_open(facts, plan):
            return right
        return due(facts, plan, "planted", "it is planned", proven=False)

    patch.setattr(steps.ledger, "gone_back", forgetful)
    _wrap(patch, acting, "decide_launch", hasty)


def a_new_program_that_waits_is_taken_back(patch: Any) -> None:
    def wrong(facts: Any, right: Any) -> Any:
        record = going_back.unproven(facts)
        if record is None:
            return right
        return Decision("go back", "planted", "it does not move", record.plan, record.back_to, proven=False)

    _wrap(patch, running, "decide_going_back", wrong)


def the_first_version_is_linked_above_the_height(patch: Any) -> None:
    def wrong(facts: Any, right: Any) -> Any:
        if right.do == "launch" and facts.b.reaches(5) and right.version != GENESIS_VERSION:
            return Decision("relink", "planted", "genesis is the safe choice", version=GENESIS_VERSION)
        return right

    _wrap(patch, acting, "decide_launch", wrong)


def the_plan_file_is_tidied(patch: Any) -> None:
    def wrong(facts: Any, right: Any) -> Any:
        plan = facts.file.plan
        if plan is None or not is_open(facts, plan):
            return right
        return Decision("write file", "planted", "it is written again", plan)

    _wrap(patch, acting, "decide_running", wrong)


def the_node_is_not_stopped(patch: Any) -> None:
    def wrong(turn: Any, decision: Any, why: Any) -> None:
        turn.set(why=why, goal=decision)
        steps.after_stop(turn)

    patch.setattr(steps, "stop_for", wrong)


def the_backup_is_left_out(patch: Any) -> None:
    real = steps.run_step

    def wrong(turn: Any, step: Any) -> None:
        real(turn, replace(step, kind="switch") if step.kind == "backup" else step)

    patch.setattr(steps, "run_step", wrong)


def a_supervisor_with_nothing_to_do_ends(patch: Any) -> None:
    real = acting._ACTIONS["wait"]

    def wrong(turn: Any, decision: Any, facts: Any) -> bool:
        if decision.row == "no plan":
            turn.end(0)
            return False
        return real(turn, decision, facts)

    patch.setitem(acting._ACTIONS, "wait", wrong)


WRONG = {
    "two nodes": Wrong(
        an_orphan_is_not_looked_for,
        "gov",
        11,
        (
            "the supervisor is killed",
            "the service manager starts the supervisor",
            "GatherFacts",
            "sees b unknown, a unknown, file absent",
            "Spawn genesis",
        ),
    ),
    "not the active version": Wrong(the_first_version_is_launched_whatever_is_active, "gov", 31),
    "early, as proven": Wrong(
        a_restored_copy_keeps_its_version_as_proven,
        "old-weak",
        36,
        (
            "an older copy is restored",
            "the service manager starts the supervisor",
            "GatherFacts",
            "sees b at least 2 (cs.wal), a unknown, file absent",
            "Save",
            "Spawn v2",
        ),
    ),
    "old after the halt": Wrong(
        a_start_follows_the_link_at_the_halt,
        "gov",
        22,
        (
            "node and supervisor are killed",
            "the service manager starts the supervisor",
            "GatherFacts",
            "sees b at least 4 (cs.wal), a unknown, file plan",
            "Spawn genesis",
        ),
    ),
    "not armed": Wrong(an_exact_schedule_is_not_armed, "schedule-frozen", 11),
    "old twice": Wrong(nothing_is_due, "sync", 29),
    "without pre-upgrade": Wrong(pre_upgrade_is_left_out, "gov", 28),
    "stopped early": Wrong(
        a_plan_that_is_seen_is_due,
        "ahead",
        14,
        (
            "the plan file is written ahead",
            "Woken",
            "GatherFacts",
            "sees b at least 2 (cs.wal), a unknown, file plan",
            "Save",
            "SignalNode",
        ),
    ),
    "unreal plan": Wrong(a_stale_plan_is_due_at_a_start, "stale-cancelled", 20),
    "missed": Wrong(
        a_plan_is_passed_at_its_height,
        "gov",
        16,
        (
            "v1 executes 3",
            "v1 saves 4",
            "v1 halts at 4",
            "Woken",
            "GatherFacts",
            "sees b 4 (rpc), a 3 (rpc), file plan",
        ),
    ),
    "back below the data": Wrong(every_end_of_a_new_program_is_a_refusal, "gov", 41),
    "back twice": Wrong(
        going_back_is_forgotten,
        "ahead",
        57,
        (
            "v2 refuses the stores",
            "NodeExited",
            "GatherFacts",
            "sees b at least 2 (cs.wal), a unknown, file plan",
            "Save",
            "RunStep go back",
        ),
    ),
    "back from the right one": Wrong(a_new_program_that_waits_is_taken_back, "gov-silent", 41),
    "link below the data": Wrong(the_first_version_is_linked_above_the_height, "gov", 42),
    "overwritten": Wrong(the_plan_file_is_tidied, "gov", 18),
    "step beside a node": Wrong(the_node_is_not_stopped, "gov", 19),
    "step without proof": Wrong(the_backup_is_left_out, "gov", 20),
    "orphaned": Wrong(a_supervisor_with_nothing_to_do_ends, "gov", 12),
    "due on nothing": Wrong(a_plan_that_is_seen_is_proven, "ahead", 12),
    "stuck": Wrong(
        a_start_at_the_halt_is_refused,
        "gov",
        12,
        (
            "the supervisor is killed",
            "v1 is up",
            "v1 saves 3",
            "v1 executes 3",
            "v1 saves 4",
            "v1 halts at 4",
        ),
    ),
}


def found_with(patch: Any, law: str) -> Result:
    """Plant the wrong rule of a law and search its configuration."""
    wrong = WRONG[law]
    wrong.plant(patch)
    return search(CONFIGS[wrong.config])


def test_every_law_has_a_rule_that_breaks_it() -> None:
    assert set(WRONG) == set(LAWS)


@pytest.mark.parametrize("law", WRONG)
def test_a_wrong_rule_is_told_by_its_law_and_the_shortest_way(law: str, monkeypatch: Any) -> None:
    found = found_with(monkeypatch, law)
    assert found.broken == law
    assert found.trace[-1].startswith(f"!! {law}: ")
    assert len(found.trace) == WRONG[law].length
    assert found.trace[-1 - len(WRONG[law].end) : -1] == WRONG[law].end
