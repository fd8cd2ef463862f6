"""`adopt`: brings folders, link and records in line with what the data says, as a start would."""

from __future__ import annotations

from cosmovisor.care import look
from cosmovisor.decide import ledger, rebuild
from cosmovisor.model.decision import Decision
from cosmovisor.model.errors import CosmovisorError
from cosmovisor.model.plan import Version
from cosmovisor.model.value import value
from cosmovisor.storage import document, locks
from cosmovisor.supervisor import active, effects

#: Decisions that only bring the tree in line with the data; a start would do the same.
SAFE = frozenset({"record data", "reset stages", "relink", "finish switch"})
_ROUNDS = 8
#: Lines of the history that are shown.
_SHOWN = 5


class AdoptError(CosmovisorError):
    """The home cannot be adopted."""

    reference = "adopt"


@value
class Adopted:
    """What was found and done.

    Attributes:
        view: The home after it.
        done: What was changed, sentences.
        decision: What a start would do now.
    """

    view: look.View
    done: tuple[str, ...]
    decision: Decision


def examine(view: look.View) -> list[tuple[str, str]]:
    """Say what data, link and folders tell, label and text."""
    facts = view.facts
    data = {
        "same": "the recorded one",
        "other": "not the recorded one: restored, replaced or moved",
        "no record": "not recorded yet",
        "missing": "not there",
    }[facts.data]
    link = facts.link
    target = f" -> {link.target}" if link.target else ""
    fits = ", ".join([version.folder for version in facts.fits]) or "nothing tells"
    usable = ", ".join([version.folder for version in facts.usable]) or "none"
    history = ", ".join([f"{line.plan.name} at {line.plan.height}" for line in view.state.history[-_SHOWN:]])
    if view.problem is not None:
        history = f"{view.problem.cause}. {view.problem.next_step}"
    return [
        ("data", f"{view.context.data}: {data}"),
        ("block height", facts.b.text()),
        ("application height", facts.a.text()),
        ("link", f"{link.kind}{target}"),
        ("history", history or "none recorded"),
        ("usable binaries", usable),
        ("fits this data", fits),
    ]


def fix(view: look.View, use: str = "") -> Adopted:
    """Do what is safe, under the supervisor's lock; the node must be down.

    Args:
        view: The home.
        use: A version that the operator has chosen, by name or folder; empty leaves the choice to the data.

    Raises:
        AdoptError: A supervisor or a node runs, or the chosen version has no usable binary.
        StateError: The state document cannot be used.
    """
    if view.node is not None:
        raise AdoptError(
            f"a node runs: {view.node.text()}", "Stop it first; nothing is changed beside a node."
        )
    context = view.context
    done: list[str] = []
    what = active.obstacle(view.context.layout)
    if what:
        raise active.in_the_way(view.context.layout, what)
    try:
        lock = locks.hold(context.layout.supervisor_lock)
    except locks.LockHeld as error:
        raise AdoptError(
            f"a supervisor runs: {error.holder.text()}",
            "It does all this by itself; stop it to do it by hand.",
        ) from None
    with lock:
        if view.problem:
            done += document.load(context.layout.state_file).notes
            view = _again(view)
        if use:
            version = _chosen(view, use)
            if version != view.facts.link.version:
                effects.activate(context, version)
                done.append(f"current now points to {version.folder}, as you chose")
                view = _again(view)
        for _ in range(_ROUNDS):
            decision = view.decision
            if decision.do not in SAFE:
                break
            done.append(_carry_out(view, decision))
            view = _again(view)
    return Adopted(view, tuple(done), view.decision)


def _again(view: look.View) -> look.View:
    return look.take(view.context.settings, view.context.environ, view.context.config_file)


def _chosen(view: look.View, use: str) -> Version:
    for version in view.facts.usable:
        if use in {version.name, version.folder, version.folder.rpartition("/")[2]}:
            return version
    raise AdoptError(
        f"there is no usable binary of {use}",
        f"Choose one of: {', '.join([version.folder for version in view.facts.usable]) or 'none is usable'}",
    )


def _carry_out(view: look.View, decision: Decision) -> str:
    """Do one thing that a start would do, in the same order, and say it."""
    context, state, version = view.context, view.state, decision.version
    if decision.do == "record data":
        document.save(context.layout.state_file, rebuild.record_data(state, view.seen, view.facts))
        return "the data's identity is recorded, the history rebuilt from folders and markers"
    if decision.do == "reset stages":
        unmark = rebuild.outdated_markers(view.seen, view.facts)
        document.save(context.layout.state_file, rebuild.reset_stages(state, view.seen, view.facts, version))
        if version is not None and (version != view.facts.link.version or unmark):
            effects.activate(context, version, unmark)
        return f"records of other data are forgotten; {version.folder if version else 'the link'} is active"
    if decision.do == "relink" and version is not None:
        effects.activate(context, version)
        return f"current now points to {version.folder}"
    if decision.do == "finish switch" and version is not None and decision.plan is not None:
        effects.write_marker(context, decision.plan, version)
        back = [one for one in view.facts.fits if one != version]
        after = ledger.switched(
            state, decision.plan, version, back[0] if back else None, inferred=not decision.proven
        )
        document.save(context.layout.state_file, after)
        return f"the marker of {decision.plan.name} is written: its switch is finished"
    raise AdoptError(f"cannot do {decision.do}: the decision is not complete", "Report this.")
