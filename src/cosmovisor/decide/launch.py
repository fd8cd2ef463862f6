"""The start-up table: what must run now. Nothing is launched because a link happens to point at it."""

from __future__ import annotations

from cosmovisor.decide.after_exit import torn_plan, unwritten_plan
from cosmovisor.decide.resume import decide_resume
from cosmovisor.decide.schedule import due_at_start
from cosmovisor.decide.words import due, heights, is_above, is_open, named, rests_just_before, wait
from cosmovisor.model.decision import Decision
from cosmovisor.model.facts import Facts
from cosmovisor.model.plan import GENESIS_VERSION, Plan, Version
from cosmovisor.model.state import PlanRecord

DOCTOR = "run `cosmovisor doctor`, and `cosmovisor adopt --fix` if it agrees"


def decide_launch(facts: Facts) -> Decision:
    """Return the first row that fits at start-up; the same facts give the same decision."""
    for rule in (_data, decide_resume, _skipped_switch, _incomplete, _finish_switch, _switched, _pending):
        decision = rule(facts)
        if decision is not None:
            scheduled = due_at_start(facts) if rule is _pending and decision.do == "launch" else None
            return scheduled or decision
    raise AssertionError("the last rule always decides")


def _data(facts: Facts) -> Decision | None:
    """See whether what is recorded belongs to this data."""
    if facts.data == "missing":
        return Decision(
            "refuse",
            "no data",
            "cannot find the node's data folder; nothing is launched that would make an empty one",
            next_step="mount it, or run the node's `init` (`cosmovisor run init ...`), and check --home",
        )
    if facts.data == "no record":
        return Decision(
            "record data",
            "no record",
            "this home has no record yet (first start, taken over, or the state document was lost): the "
            "data's "
            "identity is recorded and the history rebuilt from folders and markers; nothing is removed",
        )
    if facts.data == "other":
        return Decision(
            "reset stages",
            "other data",
            f"this is not the data that the records were made on (restored, replaced or moved); "
            f"{heights(facts)}; "
            "what was recorded about upgrades is forgotten, and the version that fits this data runs",
            version=_undone(facts) or fitting(facts) or facts.link.version,
        )
    for record in facts.records:
        if record.stage != "none" and facts.b.is_below(record.plan.height - 1):
            return Decision(
                "reset stages",
                "below a switched plan",
                f"{named(record.plan)} was switched to, but the data is below it (an older copy was "
                "restored); "
                f"{heights(facts)}; the switch is taken back, and the version that fits this data runs",
                record.plan,
                fitting(facts) or record.back_to or facts.link.version,
            )
    return None


def _skipped_switch(facts: Facts) -> Decision | None:
    """A plan that was switched to, is not executed yet, and is skipped from now on, is taken back."""
    record = newest_switch(facts)
    if record is None or record.stage == "proven" or record.back_to is None:
        return None
    plan = record.plan
    if plan.height not in facts.skip or is_above(facts, plan.height):
        return None
    return Decision(
        "undo",
        "switched, skipped",
        f"{named(plan)} was switched to and not executed, and is skipped by the node's arguments: the switch "
        f"is taken back, and the plan is passed from now on; {heights(facts)}",
        plan,
        record.back_to,
        passed=plan,
    )


def _undone(facts: Facts) -> Version | None:
    """Return where a cut switch goes back to on other data; None if it is known to fit, or none was cut."""
    step = facts.step
    if step is None or step.kind not in {"switch", "pre-upgrade"} or step.version != facts.link.version:
        return None
    return None if is_above(facts, step.plan.height) else step.back_to


def _incomplete(facts: Facts) -> Decision | None:
    """A torn plan file stops every program: it is moved away, and written again where it is known."""
    if facts.file.kind != "incomplete":
        return None
    if facts.file.writer:
        return wait(
            "incomplete, being written", "the plan file is being written; it is read when that is done"
        )
    plan = torn_plan(facts)
    if plan is None:
        return Decision(
            "move file aside",
            "incomplete",
            "the plan file is torn, and every program refuses to start on it; it is kept under another name",
        )
    return Decision(
        "move file aside",
        "incomplete, halt known",
        f"the plan file is torn, and every program refuses to start on it; it is kept under another name, "
        "and "
        f"{named(plan)} is written again with the same fields; {heights(facts)}",
        plan,
    )


def _finish_switch(facts: Facts) -> Decision | None:
    """A link that was moved and a marker that is missing are one switch, cut in two."""
    plan, version = facts.file.plan, facts.link.version
    if plan is None or version is None or facts.marker or not is_open(facts, plan):
        return None
    if facts.link.kind != "version" or facts.target(plan) != version or facts.b.is_below(plan.height - 1):
        return None
    return Decision(
        "finish switch",
        "marker missing",
        f"the link points to the folder of {named(plan)} and its marker is missing: the switch is finished; "
        f"{heights(facts)}",
        plan,
        version,
        proven=facts.b.reaches(plan.height),
    )


def _folder(version: Version | None) -> str:
    """Name the folder of a version."""
    return "upgrades/" if version is None else version.folder


def newest_switch(facts: Facts) -> PlanRecord | None:
    """Return the record of the highest plan that was switched to on this data."""
    switched = [record for record in facts.records if record.stage != "none" and record.version is not None]
    return max(switched, key=lambda record: record.plan.height, default=None)


def _switched(facts: Facts) -> Decision | None:
    """A switched plan whose first height was not seen decides alone: its binary runs, after pre-upgrade."""
    record = newest_switch(facts)
    if record is None or record.stage == "proven":
        return None
    plan, version = record.plan, record.version
    if version != facts.link.version:
        if version not in facts.usable:
            return Decision(
                "refuse",
                "switched, binary gone",
                f"{named(plan)} was switched to on this data, and its program is gone; {heights(facts)}",
                plan,
                version,
                next_step=f"put the program back below {_folder(version)}; or {DOCTOR}",
            )
        return Decision(
            "relink",
            "switched, link elsewhere",
            f"{named(plan)} was switched to on this data, and the link points elsewhere: it is put back",
            plan,
            version,
            not record.inferred,
        )
    if facts.file.kind == "absent" and unwritten_plan(facts) == plan:
        return Decision(
            "write file",
            "switched, file gone",
            f"{named(plan)} was switched to and its plan file is gone before the new program has read it: it "
            f"is written again, with the same fields; {heights(facts)}",
            plan,
        )
    if record.stage == "switched":
        return Decision(
            "pre-upgrade",
            "switched, not pre-upgraded",
            f"{named(plan)} was switched to and its pre-upgrade has not finished: it runs again, then the "
            "node",
            plan,
            version,
            not record.inferred,
        )
    return Decision(
        "launch",
        "switched, not proven",
        f"{named(plan)} was switched to and its first height was not seen yet; {heights(facts)}",
        plan,
        version,
        not record.inferred,
    )


def _pending(facts: Facts) -> Decision:
    """Weigh the plan in the file, or the scout's, against the heights; the last rule."""
    plan = facts.file.plan
    if plan is None:
        return _without_a_plan(facts)
    if plan.height in facts.skip:
        passed = None if facts.b.is_below(plan.height - 1) or facts.record(plan).passed else plan
        said = "" if passed is None else ", and passed from now on, also when the flag has gone"
        return active(
            facts, "skipped", f"{named(plan)} is skipped by the node's arguments{said}", plan, passed
        )
    if not is_open(facts, plan):
        return active(facts, "proven or passed", f"{named(plan)} is applied or passed on this data", plan)
    return _by_heights(facts, plan)


def _without_a_plan(facts: Facts) -> Decision:
    """No plan file: a plan that is known otherwise can still have been met."""
    known = unwritten_plan(facts)
    if known is not None:
        return Decision(
            "write file",
            "absent, at known H",
            f"the data stands at the height of the chain's {named(known)} without its plan file: it is "
            "written "
            f"for the chain, with the same fields; {heights(facts)}",
            known,
        )
    return active(facts, "no plan", f"no plan is pending; {heights(facts)}")


def _by_heights(facts: Facts, plan: Plan) -> Decision:
    """Weigh an open plan, top-down as the design has it."""
    b, file, height = facts.b, facts.file, plan.height
    record = facts.record(plan)
    above, below = is_above(facts, height), b.is_below(height - 1)
    if record.halt_seen and not above and not below:
        why = "the halt was seen before, and nothing contradicts it"
        return due(facts, plan, "halt seen", why, proven=b.reaches(height) and not file.ours)
    at = b.reaches(height) or (b.is_exactly(height - 1) and rests_just_before(facts, height))
    if at and not above and file.age in {"fresh", "old"} and file.not_older_than_block is True:
        why = "the data stands at its height, and the file is not older than the last block"
        return due(facts, plan, "at H, file not older", why, proven=not file.ours)
    if below:
        return active(facts, "below H-1", f"{named(plan)} is still ahead; {heights(facts)}", plan)
    if above:
        if file.age == "ahead":
            why = "is a schedule whose height is executed: it is followed as soon as the node runs"
            return active(facts, "above H, ahead", f"{named(plan)} {why}; {heights(facts)}", plan)
        why = "is passed: the data went on above its height without it"
        return active(facts, "above H, passed", f"{named(plan)} {why}; {heights(facts)}", plan, plan)
    why = "cannot be placed yet: if its height was met, this program refuses by itself and makes that sure"
    return active(facts, "anything else", f"{named(plan)} {why}; {heights(facts)}", plan)


def fitting(facts: Facts) -> Version | None:
    """Return the version that fits the data's height: the active one if it does, else the only usable one.

    None: nothing is known, or several would fit.
    """
    if facts.link.version in facts.fits:
        return facts.link.version
    usable = [version for version in facts.fits if version in facts.usable]
    return usable[0] if len(facts.fits) == len(usable) == 1 else None


def active(
    facts: Facts, row: str, reason: str, plan: Plan | None = None, passed: Plan | None = None
) -> Decision:
    """Launch the active version, if it exists and the data's height does not contradict it."""
    link = facts.link
    if link.kind in {"missing", "dangling"} or link.version is None:
        return _rebuild_link(facts, row, reason)
    early = _too_early(facts, link.version)
    if early is not None:
        return _before_its_time(facts, early, f"{row}; link too early", plan, passed)
    if facts.fits and link.version not in facts.fits:
        version = fitting(facts)
        fits = " or ".join(one.folder for one in facts.fits)
        said = f"{reason}; the link points to {link.version.folder}, but {fits} fits this data"
        if version is not None:
            return Decision("relink", f"{row}; contradicted", said, plan, version, passed=passed)
        return Decision("refuse", f"{row}; contradicted", said, plan, next_step=DOCTOR, passed=passed)
    record = next((one for one in facts.records if one.version == link.version and one.stage != "none"), None)
    proven = record is None or record.stage == "proven" or not record.inferred
    return Decision("launch", row, reason, plan, link.version, proven, passed=passed)


def _too_early(facts: Facts, version: Version) -> Plan | None:
    """Return the open plan whose binary is active although exact evidence puts the data below its height."""
    if version in facts.fits:
        return None
    for plan in (facts.file.plan, facts.known):
        if plan is None or not is_open(facts, plan) or facts.target(plan) != version:
            continue
        if facts.b.is_below(plan.height - 1):
            return plan
    return None


def _before_its_time(facts: Facts, early: Plan, row: str, plan: Plan | None, passed: Plan | None) -> Decision:
    """Put a link back that was moved to the binary of a plan whose height is still ahead."""
    link = facts.link.version
    others = [one for one in facts.fits or facts.usable if one != link and one in facts.usable]
    said = f"the link points to the binary of {named(early)}, which is still ahead; {heights(facts)}"
    if len(others) == 1:
        return Decision("relink", row, f"{said}; it is put back", plan, others[0], passed=passed)
    return Decision(
        "refuse", row, f"{said}; what ran before is not known", plan, next_step=DOCTOR, passed=passed
    )


def _rebuild_link(facts: Facts, row: str, reason: str) -> Decision:
    """Choose what a missing or dangling link should point to; refuse where that would be a guess."""
    what = f"{reason}; the link is {facts.link.kind}"
    version = fitting(facts)
    if version is not None:
        said = f"{what}; {version.folder} fits this data by history and markers"
        return Decision("relink", f"{row}; link rebuilt", said, version=version)
    ahead = {entry.version for entry in facts.schedule if facts.b.is_below(entry.plan.height)}
    others = {GENESIS_VERSION, *facts.waiting, *ahead}
    upgrades = [one for one in facts.usable if one not in others]
    if not upgrades and GENESIS_VERSION in facts.usable:
        said = f"{what}; no program below upgrades/ can be it: genesis is the only candidate"
        return Decision("relink", f"{row}; genesis only", said, version=GENESIS_VERSION)
    if not facts.usable:
        step = "put the program of this data into cosmovisor/genesis/bin, or run `cosmovisor init <path>`"
        return Decision(
            "refuse", f"{row}; no program", f"{what}; no folder holds a usable program", next_step=step
        )
    names = ", ".join(one.folder for one in facts.usable)
    said = f"{what}; {names} are there, and nothing tells which fits this data"
    return Decision("refuse", f"{row}; several candidates", said, next_step=DOCTOR)
