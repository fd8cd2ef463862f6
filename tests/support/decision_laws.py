"""The laws that one decision can break, checked on its facts."""

from __future__ import annotations

from tools.cells import V2, H, P

from cosmovisor.decide.words import is_above
from cosmovisor.model.decision import Decision
from cosmovisor.model.facts import Facts
from cosmovisor.model.receipts import StagedBinary


def check(facts: Facts, decision: Decision) -> None:
    """Check every law that one decision can break; plain branches, as this runs for each of many combinations."""
    do, plan, lives = decision.do, decision.plan, facts.node.state == "running"
    record = facts.records[0] if facts.records else facts.record(P)
    assert decision.reason
    assert decision.row
    if do in {"upgrade", "hold"}:
        assert plan is not None
        scheduled = decision.row.startswith("schedule")
        assert plan.height not in facts.skip, "a skipped plan is never due"
        assert not record.passed, "a passed plan is never due"
        assert record.stage == "none", "a switched plan is never due again"
        assert facts.data == "same", "nothing is due on other data"
        if not scheduled:
            assert facts.file.plan == plan, "due is what the chain has written"
            assert not facts.b.is_below(H - 1), "nothing is due below H-1"
            assert facts.file.age != "stale" or record.halt_seen, "a stale file proves no halt"
            if decision.proven:
                assert facts.b.reaches(H - 1) or is_above(facts, H) or record.halt_seen, (
                    "proven needs a height"
                )
            if is_above(facts, H):
                assert facts.file.age == "ahead", "above H only a schedule is due"
    if do == "upgrade":
        assert isinstance(facts.staged(P), StagedBinary), "no stop without a binary"
        assert decision.version == V2
        assert not facts.twins, "twins are never chosen from"
    if do == "launch":
        assert facts.node.state == "never started"
        assert decision.version is not None
        assert facts.data == "same"
        assert facts.link.kind not in {"missing", "dangling"}
        assert decision.version == facts.link.version
        if facts.fits and facts.link.kind != "foreign" and record.stage not in {"switched", "pre-upgraded"}:
            assert decision.version in facts.fits, "a version that the heights contradict is never launched"
        if record.stage == "switched":
            raise AssertionError("no launch before pre-upgrade has finished")
    if do == "go back":
        assert facts.node.state != "never started"
        assert record.inferred
        assert not record.gone_back, "at most one going back"
        assert record.stage in {"switched", "pre-upgraded"}
        assert decision.version == record.back_to
        assert not facts.b.reaches(H) or facts.a.is_below(H - 1), "never back from data at the height"
    if do == "refuse":
        assert not lives, "a node that lives is never refused"
        assert decision.next_step
    if lives:
        assert do in {"upgrade", "hold", "wait", "write file", "go back", "record data", "arm again"}
    if facts.node.state == "exited":
        ends = {"upgrade", "hold", "exit", "write file", "move file aside", "go back", "refuse", "arm again"}
        assert do in ends
    if do == "arm again":
        assert facts.schedule[0].exact
        assert not facts.schedule[0].halts_before, "armed again once only"
        assert not is_above(facts, H - 1)
        assert not facts.b.is_below(H - 1)
    if do == "write file":
        assert facts.file.plan is None, "the chain's file is the chain's"
        assert not is_above(facts, H) or plan != P
    if do == "move file aside":
        assert facts.file.kind == "incomplete"
        assert not facts.file.writer
        assert not lives
    if decision.passed is not None:
        assert is_above(facts, H) or H in facts.skip, (
            "passed is what the data has left behind, or what is skipped"
        )
        assert facts.file.age != "ahead" or H in facts.skip or facts.file.plan is None
    if decision.remember_ahead:
        assert facts.b.is_below(H - 1)
        assert facts.file.age not in {"stale", "ahead"}
