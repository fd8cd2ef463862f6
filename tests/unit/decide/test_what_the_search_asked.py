"""Where the tables differ from the design's words, each with the shortest trace that asked for it.

`docs/en/proof.md` lists them. Taken literally, each of these rows breaks a law.
"""

from __future__ import annotations

from tests.support.facts import PLAN, H
from tests.support.playbook import Play

from cosmovisor.model.heights import Evidence
from cosmovisor.model.observations import Link
from cosmovisor.model.value import replace


def test_a_living_node_whose_log_ends_below_the_height_is_not_halted_by_silence() -> None:
    """Literally: a quiet node with a fresh file is due; one that waits for a slow block is stopped early."""
    play = Play()
    play.b = Evidence(H - 2, "at least", "cs.wal")
    play.start().take()
    play.write_plan().look().wait(300.0)
    assert play.take() == []


def test_a_schedule_first_seen_at_its_height_is_told_by_the_record_just_below() -> None:
    """Literally: only records below H-1 count; a file written at H-2 is taken for the chain's at H."""
    play = Play().running(H - 2)
    play.write_plan()
    written = 1.0
    play.records = ((H - 2, written - 3), (H - 1, written + 3), (H, written + 6))
    play.heights(H, H - 1).look().wait(1.0)
    assert play.take() == []
    play.heights(H, H).look()
    assert play.take() == ["Signal TERM"]


def test_a_schedule_in_the_plan_file_of_a_home_taken_over_from_the_go_tool_is_followed() -> None:
    """Literally: a file that was there first is stale for ever; the upgrade that was ordered is missed."""
    play = Play().write_plan().heights(H - 9, H - 9).start()
    assert play.take() == ["Spawn genesis"]
    play.wait(2.0)
    play.heights(H, H).look()
    assert play.take() == ["Signal TERM"]


def test_the_same_file_beside_a_copy_of_the_data_without_a_link_is_stale() -> None:
    play = Play().write_plan().heights(H - 9, H - 9)
    play.link, play.ready = Link("missing"), False
    play.start()
    assert play.take() == ["Activate genesis", "Spawn genesis"]
    play.ready = True
    play.wait(2.0).take()
    play.heights(H, H).look()
    assert play.take() == []


def test_a_start_on_a_plan_file_that_we_wrote_is_never_taken_as_proven() -> None:
    """Literally: as fresh, so proven; but the plan was moved unseen, and the node ended for another reason."""
    play = Play(replace(Play().running(H).saved, known_plan=PLAN))
    play.heights(H, H).start()
    assert play.take() == ["Spawn genesis"]
    play.a = Evidence()
    assert play.exit(1).take() == ["WriteFile", "backup", "switch", "pre-upgrade", "Spawn v2"]
    assert play.saved.records[0].inferred
