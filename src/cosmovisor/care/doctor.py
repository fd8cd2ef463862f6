"""`doctor`: everything that can be checked ahead, each with its fix."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

from cosmovisor.care import look
from cosmovisor.care.finding import Finding, bad, good, note
from cosmovisor.care.health import ahead, guards, machine
from cosmovisor.config.load import Loaded
from cosmovisor.decide.sign_gate import refuse_launch
from cosmovisor.model.errors import BackupError, CosmovisorError
from cosmovisor.model.sizes import in_words
from cosmovisor.supervisor import active

TYPE_CHECKING = False
if TYPE_CHECKING:
    Check = Callable[[look.View], Iterator[Finding]]


def examine(loaded: Loaded, environ: dict[str, str], config_file: str | None) -> list[Finding]:
    """Check everything; a check that fails by itself is a finding too.

    Args:
        loaded: The configuration with its problems.
        environ: The environment.
        config_file: The configuration file that the operator named, or None.
    """
    found = list(configuration(loaded))
    if loaded.problems:
        return found
    try:
        view = look.take(loaded.settings, environ, config_file)
    except (CosmovisorError, OSError) as error:
        cause = error.cause if isinstance(error, CosmovisorError) else str(error)
        step = error.next_step if isinstance(error, CosmovisorError) else "Repair owner and modes."
        return [*found, bad("home", f"cannot look at the home: {cause}", step)]
    for check in CHECKS:
        try:
            found += check(view)
        except Exception as error:  # a defect of one check must not hide what the others find
            text, step = f"{type(error).__name__}: {error}", ""
            if isinstance(error, CosmovisorError):
                text, step = error.cause, error.next_step
            found.append(note(check.__name__.replace("_", " "), f"cannot check this: {text}", step))
    return found


_STAGES = {
    "none": "still to come",
    "switched": "switched to, pre-upgrade not finished",
    "pre-upgraded": "switched to, its first height not seen yet",
    "proven": "applied",
}


def configuration(loaded: Loaded) -> Iterator[Finding]:
    """Problems, warnings and differences of the settings."""
    for problem in loaded.problems:
        yield bad(
            "configuration", problem.line(), "Correct it; `cosmovisor config --explain` shows all values."
        )
    for warning in loaded.warnings:
        yield note("configuration", warning)
    for difference in loaded.differences:
        yield note("configuration", difference)
    if not loaded.problems and not loaded.warnings:
        yield good("configuration", f"read from {loaded.file or 'the environment'}")


def state_document(view: look.View) -> Iterator[Finding]:
    """The state document."""
    if view.problem is not None:
        yield bad("state document", view.problem.cause, view.problem.next_step)
    elif view.recorded:
        yield good("state document", f"{len(view.state.history)} upgrades in its history")
    else:
        yield note("state document", "there is none yet: the first start makes it")


def processes(view: look.View) -> Iterator[Finding]:
    """Supervisor and node."""
    if view.supervisor is not None:
        yield good("supervisor", f"runs: {view.supervisor.text()}")
    elif view.node is not None:
        yield bad(
            "node",
            f"a node runs without a supervisor: {view.node.text()}",
            "Start the supervisor (COSMOVISOR_ORPHAN says what it does with such a node), or stop the node.",
        )
    else:
        yield note("supervisor", "none runs")
    if view.node is None:
        for text in machine.foreign_nodes(view.context.layout):
            yield bad(
                "node",
                f"a binary of this home runs, and not under us: {text}",
                "Stop that process and whatever started it before the next start: two nodes double-sign.",
            )


def start(view: look.View) -> Iterator[Finding]:
    """What the start-up table would do."""
    if view.node is not None:
        return
    decision = view.outcome
    if decision.do == "refuse":
        yield bad("start", decision.reason, decision.next_step)
        return
    version = "" if decision.version is None else f" {decision.version.folder}"
    yield good("start", f"would {decision.do}{version}: {decision.reason}")
    refusal = refuse_launch(view.seen, view.state) if view.context.policy.sign_gate else None
    if refusal is not None:
        yield bad("sign-state", refusal.reason, refusal.next_step)
    elif view.seen.sign_problem:
        yield note("sign-state", view.seen.sign_problem)
    elif view.seen.sign_state is not None:
        yield good("sign-state", f"height {view.seen.sign_state.height}")


def link(view: look.View) -> Iterator[Finding]:
    """The `current` link."""
    found = view.seen.link
    what = active.obstacle(view.context.layout)
    if what:
        error = active.in_the_way(view.context.layout, what)
        yield bad("current", error.cause, error.next_step)
    elif found.kind in {"genesis", "version"}:
        yield good("current", f"-> {found.target}")
    elif found.kind == "missing":
        yield note("current", "there is no link yet: the first start makes it")
    elif found.kind == "dangling":
        yield bad("current", f"-> {found.target} leads to no usable binary", "Run: cosmovisor adopt --fix")
    else:
        yield bad(
            "current",
            f"-> {found.target or 'no link'} leads out of {view.context.layout.root}",
            "Move it away and run: cosmovisor adopt --fix",
        )


def plan_file(view: look.View) -> Iterator[Finding]:
    """The chain's plan file."""
    file = view.seen.file
    if file.kind == "incomplete":
        yield bad(
            "plan file",
            f"{view.context.plan_file}: {file.problem}",
            "No program starts on it. With the node down a start moves it aside and, if the plan is known, "
            "writes it again.",
        )
    elif file.plan is not None:
        record = view.facts.record(file.plan)
        state = "passed" if record.passed else _STAGES[record.stage]
        yield good("plan file", f"{file.plan.name} at height {file.plan.height} ({state})")
        height = view.facts.b.height if view.facts.b.strength != "unknown" else None
        if height is not None and height < file.plan.height < height + 2 and view.node is not None:
            yield note("plan file", "it was written less than two blocks ahead: a restart now may miss it")


def height_sources(view: look.View) -> Iterator[Finding]:
    """Whether heights can be learned at all."""
    facts = view.facts
    if facts.data == "missing":
        return
    if facts.b.strength != "unknown":
        yield good("heights", f"block {facts.b.text()}, application {facts.a.text()}")
        return
    from cosmovisor.chain import block_store

    engine = block_store.engine(block_store.folder(view.context.data))
    yield note(
        "heights",
        f"no source of heights answers (RPC, write-ahead log, block store of {engine or 'no known kind'}): "
        "some situations cannot be decided without one",
        "Keep the RPC on its loopback address; for a goleveldb store install cosmovisor[blockstore].",
    )


def upgrades(view: look.View) -> Iterator[Finding]:
    """Readiness of each plan to come."""
    yield from ahead.plans(view)
    yield from ahead.folders(view)


def backup(view: look.View) -> Iterator[Finding]:
    """Whether the backup will fit."""
    settings = view.context.settings
    if settings.cosmovisor_backup == "off":
        yield note("backup", "backups are off")
        return
    if not os.path.isdir(view.context.data):
        return
    from cosmovisor.backup.forecasting import forecast

    try:
        found = forecast(settings, view.context.node_home)
    except BackupError as error:
        needed = settings.cosmovisor_backup == "require"
        yield (bad if needed else note)("backup", error.cause, error.next_step)
        return
    size, free = in_words(found.bytes), in_words(found.free)
    text = f"{found.method}, {size} in about {found.seconds:.0f} s; {free} free"
    if found.fits:
        yield good("backup", text)
        return
    advice = "Free space, or set DAEMON_DATA_BACKUP_DIR to a larger file system."
    yield (bad if settings.cosmovisor_backup == "require" else note)(
        "backup", f"does not fit: {text}", advice
    )


def places(view: look.View) -> Iterator[Finding]:
    """Folders, space, script."""
    yield from machine.places(view)


def step(view: look.View) -> Iterator[Finding]:
    """A step that was cut."""
    found = view.state.step
    if found is not None and view.supervisor is None:
        since = time.strftime("%Y-%m-%d %H:%M", time.localtime(found.since))
        yield note("step in flight", f"{found.kind} of {found.plan.name} since {since}: a start resumes it")


CHECKS: tuple[Check, ...] = (
    state_document,
    processes,
    guards.supervisor,
    guards.lock,
    link,
    start,
    guards.key,
    step,
    plan_file,
    height_sources,
    upgrades,
    guards.schedule,
    backup,
    places,
)
