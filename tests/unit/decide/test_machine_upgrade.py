"""Playbooks of the machine: what it commands, in which order, on upgrade night."""

from __future__ import annotations

from tests.support.facts import PLAN, V1, V2, H
from tests.support.playbook import Play

from cosmovisor.decide import commands, events
from cosmovisor.model.heights import Evidence
from cosmovisor.model.observations import SeenFile
from cosmovisor.model.receipts import BackupReceipt
from cosmovisor.model.state import PlanRecord, ScheduleEntry
from cosmovisor.model.value import replace

UPGRADE = ["Signal TERM"]
STEPS = ["backup", "switch", "pre-upgrade", "Spawn v2"]


def halted(**policy: object) -> Play:
    play = Play(**policy).running()
    return play.heights(H, H - 1).write_plan().look()


def test_an_upgrade_stops_backs_up_switches_prepares_and_starts_in_this_order() -> None:
    play = halted()
    assert play.take() == ["Signal TERM"]
    assert play.machine.phase == "stopping"
    assert play.exit(0).take() == STEPS
    assert play.machine.phase == "running"


def test_every_step_is_journalled_before_it_begins() -> None:
    play = halted()
    play.commands.clear()
    play.exit(0)
    for place, command in enumerate(play.commands):
        if isinstance(command, commands.RunStep):
            before = play.commands[place - 1]
            assert isinstance(before, commands.Save)
            assert before.state.step == command.step
    assert play.saved.step is None


def test_the_halt_is_journalled_before_the_node_is_stopped() -> None:
    play = halted()
    saves = [one for one in play.commands if isinstance(one, commands.Save)]
    assert saves[-1].state.records == (PlanRecord(PLAN, halt_seen=True),)
    names = [type(one).__name__ for one in play.commands]
    assert names.index("Save") < names.index("SignalNode")


def test_the_receipts_travel_with_the_step() -> None:
    play = halted().exit(0)
    steps = [one.step for one in play.commands if isinstance(one, commands.RunStep)]
    assert all(step.stopped is not None and step.staged is not None for step in steps)
    assert isinstance(steps[1].backup, BackupReceipt)
    assert all(step.back_to == V1 and step.version == V2 for step in steps)
    assert [one.receipt.path for one in play.saved.backups] == ["/b"]


def test_the_operators_script_runs_between_backup_and_switch() -> None:
    play = halted(script=True)
    play.take()
    assert play.exit(0).take() == ["backup", "script", "switch", "pre-upgrade", "Spawn v2"]


def test_without_backups_the_switch_is_first_and_says_who_waived_them() -> None:
    play = halted(backup_waived="COSMOVISOR_BACKUP=off")
    play.take()
    play.exit(0)
    steps = [one.step for one in play.commands if isinstance(one, commands.RunStep)]
    assert [step.kind for step in steps] == ["switch", "pre-upgrade"]
    assert steps[0].backup is not None


def test_a_binary_without_pre_upgrade_is_not_asked() -> None:
    play = Play().running()
    play.no_pre_upgrade = True
    play.heights(H, H - 1).write_plan().look()
    play.take()
    assert play.exit(0).take() == ["backup", "switch", "Spawn v2"]


def test_the_new_node_is_proven_by_its_first_height_and_the_history_tells_it() -> None:
    play = halted().exit(0)
    assert play.saved.records[0].stage == "pre-upgraded"
    play.heights(H, H).look()
    assert play.saved.records[0].stage == "proven"
    line = play.saved.history[-1]
    assert (line.plan, line.version, line.proven) == (PLAN, V2, True)


def test_the_history_tells_how_long_the_node_was_down() -> None:
    play = halted()
    play.slow = {"backup"}
    play.exit(0)
    assert play.saved.history == ()
    play.now += 7.5
    play.slow = set()
    play.done("backup", BackupReceipt("/b", "copy", 1, 1.0))
    play.heights(H, H).look()
    assert play.saved.history[-1].downtime == 7.5
    play.now += 100.0
    play.exit(1)
    play.start().heights(H + 1, H + 1).look()
    assert play.saved.history[-1].downtime == 7.5, "a later start changes nothing"


def test_a_supervisor_that_did_not_see_the_node_end_claims_no_downtime() -> None:
    play = halted().exit(0)
    line = replace(play.saved.history[-1], downtime=0.0)
    again = Play(replace(play.saved, history=(line,)))
    again.link, again.markers, again.file = play.link, play.markers, play.file
    again.heights(H, H - 1).start().heights(H, H).look()
    assert again.saved.history[-1].downtime == 0.0


def test_a_node_that_does_not_end_is_killed_after_ten_seconds_at_a_proven_halt() -> None:
    play = halted()
    assert "KillNode" not in play.wait(9.0).take()
    assert play.wait(1.5).take() == ["KillNode"]
    assert play.exit(-9).take() == STEPS


def test_the_operators_grace_counts_where_it_is_set() -> None:
    play = halted(shutdown_grace=3.0)
    play.take()
    assert play.wait(3.5).take() == ["KillNode"]


def test_a_schedule_stops_a_node_that_works_patiently() -> None:
    play = Play().running()
    play.put(events.Asked(play.now, "schedule", ScheduleEntry(PLAN, V2)))
    assert play.saved.schedule[0].plan == PLAN
    play.heights(H, H).look()
    assert play.take() == ["Signal TERM"]
    assert "KillNode" not in play.wait(50.0).take()
    play.exit(0)
    assert play.saved.schedule == ()


def test_a_scheduled_binary_gets_its_plan_file_before_it_starts() -> None:
    play = Play().running()
    play.put(events.Asked(play.now, "schedule", ScheduleEntry(PLAN, V2)))
    play.heights(H, H).look().exit(0)
    assert play.take() == ["Signal TERM", "backup", "switch", "WriteFile", "pre-upgrade", "Spawn v2"]
    assert play.file.plan is not None
    assert (play.file.plan.name, play.file.plan.height) == ("v2", H + 1)


def test_without_a_restart_the_supervisor_ends_with_zero_after_the_upgrade() -> None:
    play = halted(restart_after_upgrade=False)
    play.take()
    assert play.exit(0).take() == ["backup", "switch", "pre-upgrade", "Exit 0"]
    assert Play(play.saved, restart_after_upgrade=False).saved.step is None


def test_the_restart_delay_stands_between_the_stop_and_the_backup_as_in_the_go_tool() -> None:
    play = halted(restart_delay=30.0)
    play.take()
    assert play.exit(0).take() == []
    assert (play.machine.phase, play.saved.step) == ("back-off", None)
    assert play.wait(29.0).take() == []
    assert play.wait(2.0).take() == STEPS
    assert not play.machine.delayed


def test_a_stop_during_the_restart_delay_ends_at_once_and_the_next_start_upgrades() -> None:
    play = halted(restart_delay=30.0)
    play.take()
    play.exit(0).take()
    assert play.signal().take() == ["Exit 0"]
    again = Play(play.saved, restart_delay=30.0)
    again.heights(H, H - 1)
    again.file = play.file
    assert again.start().take() == []
    assert again.machine.phase == "back-off"
    assert again.wait(31.0).take() == STEPS


# -- hold --------------------------------------------------------------------------------------------------


def held(**policy: object) -> Play:
    play = Play(**policy).running()
    play.ready = False
    return play.heights(H, H - 1).write_plan().look()


def test_a_living_node_is_never_stopped_for_a_binary_that_is_not_there() -> None:
    play = held()
    assert play.take() == ["Stage"]
    assert play.machine.phase == "holding"
    play.wait(3600.0)
    assert play.machine.phase == "holding"
    assert set(play.take()) == {"Stage"}


def test_the_hold_ends_as_soon_as_the_binary_is_there() -> None:
    play = held()
    play.ready = True
    play.take()
    assert play.put(events.Woken(play.now, "folders")).take() == ["Signal TERM"]


def test_the_hold_is_not_sticky() -> None:
    play = held()
    play.heights(H + 3, H + 3).look()
    assert play.machine.phase == "running"
    play.ready = True
    play.take()
    assert play.look().take() == []


def test_without_a_node_the_hold_ends_after_its_limit_with_75() -> None:
    play = held(hold_limit=600.0)
    play.exit(2)
    play.take()
    assert play.machine.phase == "holding"
    assert play.wait(595.0).status is None
    play.wait(10.0)
    assert play.status == 75


def test_a_restart_after_the_hold_limit_holds_again_and_starts_no_old_binary() -> None:
    play = held()
    play.exit(2).wait(700.0)
    again = Play(play.saved)
    again.file, again.changes, again.ready = play.file, play.changes, False
    again.heights(H, H - 1).start()
    assert again.take() == ["Stage"]
    assert again.machine.phase == "holding"
    again.ready = True
    assert again.look().take() == STEPS


def test_the_old_way_of_a_missing_binary_is_to_end() -> None:
    play = held(exit_on_missing=True)
    assert play.take() == ["Signal TERM"]
    assert play.exit(0).take() == ["Exit 1"]


# -- exits -------------------------------------------------------------------------------------------------


def test_an_ordinary_exit_passes_the_status_on() -> None:
    for status, expected in ((0, 0), (3, 3), (-9, 137), (-15, 143), (None, 1)):
        assert Play().running().exit(status).status == expected


def test_a_node_that_ends_at_its_halt_is_upgraded_whatever_its_status() -> None:
    for status in (0, 1, 2, -9, None):
        play = Play().running()
        play.heights(H, H - 1).write_plan()
        play.take()
        assert play.exit(status).take() == STEPS


def test_restarts_back_off_and_a_run_with_progress_resets_them() -> None:
    play = Play(restart=True).running()
    play.exit(1)
    waits = []
    for _ in range(4):
        waits.append(play.machine.next_at - play.now)
        play.wait(waits[-1] + 0.1)
        play.exit(1)
    assert waits == [1.0, 2.0, 4.0, 8.0]
    play.wait(60.0)
    play.heights(H - 3, H - 3).look()
    play.exit(1)
    assert play.machine.next_at - play.now == 1.0


def test_an_orphan_is_stopped_before_anything_is_started() -> None:
    play = Play()
    play.heights(H - 5, H - 5).put(events.OrphanFound(play.now, 77))
    assert play.take() == ["Signal TERM"]
    assert play.exit(None).take() == ["Spawn genesis"]


def test_an_orphan_is_adopted_where_the_operator_wants_it() -> None:
    play = Play(adopt_orphan=True)
    play.heights(H - 5, H - 5).put(events.OrphanFound(play.now, 77))
    assert play.take() == []
    assert play.machine.phase == "running"
    assert play.exit(None).status == 1


# -- failures ----------------------------------------------------------------------------------------------


def failed(what: str, **more: object) -> events.Failed:
    return events.Failed(0.0, what, "no space left", "free some", **more)  # type: ignore[arg-type]


def test_a_backup_that_fails_is_tried_again_until_the_hold_limit() -> None:
    play = halted()
    play.failing["backup"] = failed("backup")
    play.exit(0)
    play.take()
    assert play.wait(11.0).take() == ["backup"]
    del play.failing["backup"]
    assert play.wait(20.0).take() == STEPS
    assert play.status is None


def test_a_backup_that_can_never_succeed_ends_the_supervisor_and_is_resumed() -> None:
    play = halted()
    play.failing["backup"] = failed("backup", retry=False)
    play.take()
    assert play.exit(0).take() == ["backup", "Exit 1"]
    again = Play(play.saved)
    again.file, again.changes = play.file, play.changes
    assert again.heights(H, H - 1).start().take() == STEPS


def test_pre_upgrade_is_tried_as_often_as_the_operator_allows() -> None:
    play = halted(pre_upgrade_tries=3)
    play.failing["pre-upgrade"] = failed("pre-upgrade")
    play.exit(0)
    assert play.take()[1:] == ["backup", "switch", "pre-upgrade", "pre-upgrade", "pre-upgrade", "Exit 1"]
    again = Play(play.saved)
    again.file, again.changes, again.link, again.markers = play.file, play.changes, play.link, play.markers
    assert again.heights(H, H - 1).start().take() == ["pre-upgrade", "Spawn v2"]


def test_a_script_that_fails_ends_the_supervisor_before_the_switch() -> None:
    play = halted(script=True)
    play.failing["script"] = failed("script")
    play.take()
    assert play.exit(0).take() == ["backup", "script", "Exit 1"]


def test_a_document_that_cannot_be_saved_leaves_the_node_alone() -> None:
    play = Play().running()
    play.failing["save"] = failed("save")
    play.heights(H, H - 1).write_plan().look()
    assert play.take() == []
    assert play.machine.phase == "running"
    del play.failing["save"]
    play.look()
    assert play.take() == ["Signal TERM"]


def test_a_first_start_that_cannot_write_ends_after_three_tries() -> None:
    play = Play()
    play.failing["save"] = failed("save")
    play.heights(5, 5).start()
    assert play.wait(60.0).status == 1


def test_file_work_that_fails_during_an_upgrade_is_tried_until_the_hold_limit() -> None:
    play = halted(hold_limit=300.0)
    play.failing["switch"] = failed("switch")
    play.exit(0)
    assert play.wait(250.0).status is None
    assert play.wait(100.0).status == 75


def test_an_answer_of_another_moment_is_dropped() -> None:
    play = Play().running()
    play.slow.add("facts")
    play.look()
    living = play.see(play.commands[-1])
    play.exit(2)
    assert [type(one).__name__ for one in play.commands].count("GatherFacts") == 2
    play.put(events.FactsGathered(play.now, living))
    assert play.status is None
    play.put(events.FactsGathered(play.now, play.see(play.commands[-1])))
    assert play.status == 2


def test_a_torn_file_is_moved_away_and_written_again() -> None:
    play = halted()
    play.take()
    again = Play(play.saved)
    again.file = SeenFile("incomplete", None, play.file.identity)
    again.heights(H, H - 1).start()
    assert again.take()[:2] == ["MoveAside", "WriteFile"]
    assert again.file.plan == PLAN


def test_the_machine_says_what_it_waits_for() -> None:
    play = held()
    assert "v2" in play.machine.waiting
    assert "not ready" in play.machine.waiting


def test_a_log_that_belongs_to_other_data_does_not_outlive_what_the_node_itself_answers() -> None:
    play = Play()
    play.b = Evidence(H + 50, "at least", "cs.wal")
    play.start()
    assert play.take() == ["Spawn genesis"]
    play.heights(H - 5, H - 5).wait(1.0)
    play.heights(H, H - 1).write_plan().look()
    assert play.take() == ["Signal TERM"]
    assert not any(record.passed for record in play.saved.records)
