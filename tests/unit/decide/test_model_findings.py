"""The nineteen findings of the first model search, each by its number: what went wrong in a draft of the tables."""

from __future__ import annotations

from tests.support.facts import (
    PLAN,
    V1,
    V2,
    V2_LINK,
    V3,
    H,
    at_least,
    exact,
    exited,
    facts,
    file,
    running,
    staged,
    switched,
)
from tests.support.playbook import Play

from cosmovisor.decide import commands, events
from cosmovisor.decide.after_exit import decide_after_exit
from cosmovisor.decide.file_age import plan_file
from cosmovisor.decide.frozen import compare_data
from cosmovisor.decide.going_back import decide_going_back
from cosmovisor.decide.launch import decide_launch
from cosmovisor.decide.running import decide_running
from cosmovisor.model.facts import PlanFile
from cosmovisor.model.heights import Evidence
from cosmovisor.model.observations import Link, SeenFile
from cosmovisor.model.state import DataIdentity, FileInstance, FolderIdentity, PlanRecord, State, Step
from cosmovisor.model.value import replace


def folder(inode: int) -> FolderIdentity:
    return FolderIdentity(1, inode, 1)


def identity(inode: int) -> DataIdentity:
    return DataIdentity(folder(inode), folder(inode), folder(inode))


def on_v2(state: State) -> Play:
    play = Play(state)
    play.link, play.markers = V2_LINK, {V2: PLAN}
    return play


def test_1_a_crash_one_block_below_a_file_written_ahead_is_an_ordinary_exit() -> None:
    assert decide_after_exit(facts(file=file("ahead"), b=exact(H - 1), node=exited())).do == "exit"


def test_2_silence_with_a_fresh_file_is_no_halt_while_anything_moves_below_data() -> None:
    assert decide_running(facts(file=file(), node=running(progress="still longer"))).do == "wait"


def test_3_a_new_program_that_hangs_with_a_block_saved_is_taken_back() -> None:
    given = facts(
        link=V2_LINK, record=switched(inferred=True), b=exact(2), a=exact(1), node=running(version=V2)
    )
    decision = decide_going_back(given)
    assert decision is not None
    assert (decision.do, decision.version) == ("go back", V1)


def test_4_a_node_that_was_in_consensus_tells_its_height_exactly_when_it_is_down() -> None:
    seen = Evidence(H - 3, "exact", "cs.wal")
    assert decide_after_exit(facts(file=file(), b=seen, node=exited())).row == "below H-1"


def test_5_a_switch_above_the_data_is_taken_back_and_the_plan_can_be_due_again() -> None:
    record = PlanRecord(PLAN, V2, "pre-upgraded", inferred=True, back_to=V1)
    play = on_v2(State(data=identity(1), records=(record,)))
    play.heights(H - 5, H - 5).start()
    assert play.take() == ["Activate genesis", "Spawn genesis"]
    play.heights(H, H - 1).write_plan().look()
    assert play.take() == ["Signal TERM"]
    play.exit(0)
    assert "Spawn v2" in play.take()


def test_6_on_other_data_a_proven_version_is_a_guess_that_can_be_taken_back() -> None:
    proven = PlanRecord(PLAN, V2, "proven", back_to=V1)
    play = on_v2(State(data=identity(1), records=(proven,)))
    play.data_inode = 2
    play.start()
    assert play.take() == ["Spawn v2"]
    assert play.saved.records[0].inferred
    play.heights(5, 5).look()
    assert play.take() == ["Signal TERM"]
    play.exit(0)
    assert play.take() == ["go back", "Spawn genesis"]


def test_7_a_step_in_flight_is_undone_on_other_data_not_finished() -> None:
    step = Step("switch", PLAN, V2, V1, staged=staged())
    record = PlanRecord(PLAN, halt_seen=True)
    play = on_v2(State(data=identity(1), records=(record,), step=step))
    play.data_inode = 2
    play.heights(5, 5).start()
    assert play.take() == ["Activate genesis", "Spawn genesis"]
    assert play.saved.step is None
    assert V2 not in play.markers


def test_other_data_is_not_forgotten_before_the_link_has_moved() -> None:
    """Found by a night: the disk failed once, and the program of the data before was started."""
    record = PlanRecord(PLAN, V2, "pre-upgraded", back_to=V1)
    play = on_v2(State(data=identity(1), records=(record,)))
    play.data_inode = 2
    play.failing["activate"] = events.Failed(0.0, "activate", "input/output error", "look at the disk")
    play.heights(5, 5).start()
    assert play.take() == ["Activate genesis"]
    assert play.saved.data == identity(1)
    del play.failing["activate"]
    play.wait(30.0)
    assert play.take() == ["Activate genesis", "Spawn genesis"]
    assert play.saved.data is not None
    assert play.saved.data != identity(1)
    assert play.saved.records == ()


def test_8_databases_of_their_own_tell_a_copy_in_the_same_folder() -> None:
    seen = DataIdentity(folder(1), folder(7), folder(1))
    assert compare_data(identity(1), seen) == "other"
    assert compare_data(identity(1), identity(1)) == "same"


def test_8_a_copy_into_the_same_files_is_told_by_a_height_or_a_log_that_fell() -> None:
    store, log = Evidence(5, "exact", "block store"), Evidence(5, "at least", "cs.wal")
    for seen, kept in ((store, (5, 0)), (log, (0, 5))):
        play = Play(State(data=identity(1), b=Evidence(50, "at least", "own record"), log=50))
        play.b = seen
        play.start()
        assert (play.saved.b.height, play.saved.log) == kept


def test_9_a_skip_agreed_after_the_halt_is_followed_also_when_the_flag_has_gone() -> None:
    play = Play(State(data=identity(1), records=(PlanRecord(PLAN, halt_seen=True),)), skip=(H,))
    play.heights(H, H - 1).write_plan().start()
    assert play.take() == ["Spawn genesis"]
    assert play.saved.records[0].passed
    again = Play(play.saved)
    again.file, again.changes = play.file, play.changes
    again.heights(H, H).start()
    assert again.take() == ["Spawn genesis"]
    again.wait(100.0)
    assert "Signal TERM" not in again.take()


def test_10_a_stale_file_is_neither_a_schedule_nor_a_halt() -> None:
    for node in (running(), running(progress="still longer")):
        for b in (exact(H - 2), exact(H)):
            decision = decide_running(facts(file=file("stale"), b=b, a=exact(H - 1), node=node))
            assert (decision.do, decision.remember_ahead) == ("wait", False)
    node = exited(at_once=True, started_at_halt=True)
    assert decide_after_exit(facts(file=file("stale"), b=exact(H), node=node)).do == "exit"
    assert decide_launch(facts(file=file("stale", not_older_than_block=True), b=exact(H))).do == "launch"


def test_10_the_settle_time_grows_with_the_blocks() -> None:
    decision = decide_running(facts(file=file("old"), b=exact(H), node=running(progress="still")))
    assert decision.do == "wait"


def test_11_a_schedule_waits_until_its_block_is_executed() -> None:
    assert decide_running(facts(file=file("ahead"), b=exact(H), a=exact(H - 1), node=running())).do == "wait"
    assert decide_running(facts(file=file("ahead"), b=exact(H), a=exact(H), node=running())).do == "upgrade"
    assert decide_after_exit(facts(file=file("ahead"), b=exact(H - 1), node=exited())).do == "exit"


def test_12_a_schedule_that_nobody_saw_in_time_is_told_by_the_log() -> None:
    play = Play().write_plan()
    seen = play.see(commands.GatherFacts((), node_lives=True))
    for height in (H - 2, H - 1):
        late = replace(seen, record_times=((height, 100.0),))
        assert plan_file(State(), late, exact(H), exact(H - 1), spawned=True, at_once=False).age == "ahead"
    assert decide_running(facts(file=file("ahead"), b=exact(H + 3), node=running())).do == "upgrade"
    assert decide_after_exit(facts(file=file("ahead"), b=exact(H + 3), node=exited())).passed is None
    assert decide_launch(facts(file=file("ahead"), b=exact(H + 3))).passed is None


def test_13_an_empty_plan_file_after_a_power_cut_stops_nobody() -> None:
    play = Play(State(data=identity(1), records=(PlanRecord(PLAN, halt_seen=True),)))
    play.write_plan()
    play.file = SeenFile("incomplete", None, play.file.identity)
    play.heights(H, H - 1).start()
    assert play.take() == ["MoveAside", "WriteFile", "backup", "switch", "pre-upgrade", "Spawn v2"]


def test_14_a_plan_file_that_the_chain_could_not_write_is_written_for_it() -> None:
    play = Play().running()
    play.machine = replace(play.machine, state=replace(play.machine.state, known_plan=PLAN))
    play.heights(H, H - 1).look().wait(15.0)
    assert play.take() == ["WriteFile", "Signal TERM"]
    assert play.exit(0).take() == ["backup", "switch", "pre-upgrade", "Spawn v2"]


def known_at_its_height() -> Play:
    play = Play(State(data=identity(1), known_plan=PLAN, chain_id="", b=at_least(H)))
    play.heights(H, H - 1).start()
    assert play.take() == ["Spawn genesis"]
    return play


def test_14_a_file_that_is_missing_after_a_restart_is_written_as_soon_as_the_chain_has_refused() -> None:
    play = known_at_its_height()
    play.wait(1.0)
    assert play.exit(1).take() == ["WriteFile", "backup", "switch", "pre-upgrade", "Spawn v2"]
    assert play.saved.records[0].inferred


def test_a_plan_that_was_moved_unseen_is_not_followed_because_the_node_was_down_at_its_height() -> None:
    play = known_at_its_height()
    for height in range(H + 1, H + 5):
        play.heights(height, height).wait(5.0)
    assert play.take() == []
    assert play.exit(0).take() == ["Exit 0"]
    assert play.saved.records == ()


def test_15_a_halt_in_the_journal_never_starts_the_old_program() -> None:
    play = Play().running()
    play.ready = False
    play.write_plan()
    play.b = play.a = at_least(H - 5)
    play.exit(2)
    assert play.machine.phase == "holding"
    again = Play(play.saved)
    again.file, again.changes, again.ready = play.file, play.changes, False
    again.start()
    assert again.machine.phase == "holding"
    assert "Spawn genesis" not in again.take()


def test_16_the_version_before_is_never_read_from_a_link_that_was_moved() -> None:
    step = Step("switch", PLAN, V3, V2, inferred=True, staged=staged(PLAN, V3))
    play = Play(
        State(data=identity(1), records=(PlanRecord(PLAN, halt_seen=True, inferred=True),), step=step)
    )
    play.link = Link("version", V3, V3.folder)
    play.write_plan()
    play.slow.add("pre-upgrade")
    play.start()
    assert play.saved.step is not None
    assert (play.saved.step.kind, play.saved.step.back_to) == ("pre-upgrade", V2)
    assert play.saved.records[0].back_to == V2


def test_17_a_crash_of_a_new_program_that_did_the_upgrade_is_no_refusal() -> None:
    inferred = {"link": V2_LINK, "record": switched(inferred=True), "file": file("old")}
    for node in (
        exited(version=V2, status=2, at_once=True),
        exited(version=V2, status=2, progressed=True, first_launch=True),
        exited(version=V2, status=-9, at_once=True, first_launch=True),
    ):
        assert decide_going_back(facts(**inferred, node=node)) is None
    node = exited(version=V2, status=2, at_once=True, first_launch=True)
    assert decide_going_back(facts(**inferred, node=node, b=at_least(H))) is None


def test_18_after_going_back_an_inferred_due_is_taken_again_without_a_second_going_back() -> None:
    record = PlanRecord(PLAN, gone_back=True)
    decision = decide_after_exit(facts(file=file(), record=record, node=exited()))
    assert (decision.do, decision.proven) == ("upgrade", False)
    again = switched(inferred=True, gone_back=True)
    node = exited(version=V2, status=1, at_once=True, first_launch=True)
    assert decide_going_back(facts(link=V2_LINK, record=again, file=file("old"), node=node)) is None


def test_19_a_hold_asks_the_tables_again_instead_of_waiting_for_the_file_alone() -> None:
    play = Play().running()
    play.ready = False
    play.write_plan()
    play.b = play.a = Evidence()
    play.wait(400.0)
    assert play.machine.phase == "holding"
    play.ready = True
    play.heights(H - 4, H - 4).look()
    assert "Signal TERM" not in play.take()
    assert play.machine.phase == "running"


def test_the_file_of_another_instance_is_not_the_one_that_was_remembered() -> None:
    play = Play().write_plan()
    seen = play.see(commands.GatherFacts((), node_lives=True))
    remembered = State(ahead=FileInstance(7, 1), spawned=None)
    assert plan_file(remembered, seen, exact(H), exact(H - 1), spawned=True, at_once=False).age == "ahead"
    rewritten = play.write_plan().see(commands.GatherFacts((), node_lives=True))
    assert (
        plan_file(remembered, rewritten, exact(H), exact(H - 1), spawned=True, at_once=False).age == "fresh"
    )
    assert PlanFile().age == "old"
