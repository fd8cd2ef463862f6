"""The whole upgrade with a stand-in node on a scratch home: the operator's settings, the real supervisor.

Only the node is played: a small chain that halts at a height and whose next version applies the upgrade.
What is measured is therefore the supervisor's own share of the downtime on this machine.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping

from cosmovisor.config.layout import Layout
from cosmovisor.config.settings import Settings
from cosmovisor.demo import binary, ledger
from cosmovisor.demo.stage import Stage, StageError
from cosmovisor.model.plan import Plan
from cosmovisor.model.value import value
from cosmovisor.rehearsal import scratch
from cosmovisor.rehearsal.check import Check, failed, ok
from cosmovisor.storage import durable

_HEIGHT = 8
_INTERVAL = 0.15
#: His hold limit would make a failure last minutes.
_NOT_PLAYED = frozenset({"DAEMON_DATA_BACKUP_DIR", "COSMOVISOR_HOLD_LIMIT"})


@value
class Played:
    """What the stand-in has shown.

    Attributes:
        checks: What held and what did not.
        seconds: Halt to the new process; negative where it never came.
    """

    checks: tuple[Check, ...]
    seconds: float = -1.0


def play(
    settings: Settings,
    layout: Layout,
    environ: Mapping[str, str],
    config_file: str | None,
    plan: Plan,
    progress: Callable[[str], None],
    *,
    script: bool = False,
) -> Played:
    """Play the upgrade through on a scratch home and take everything away again.

    Args:
        settings: The operator's settings.
        layout: His folder tree.
        environ: The environment of the supervisor.
        config_file: The configuration file that was named, or None.
        plan: The plan, for its name.
        progress: Told what is being done.
        script: Run the operator's script there; else one that does nothing takes its place.
    """
    with scratch.folder(_scratch(settings)) as folder:
        stage = Stage(folder, settings.daemon_name)
        home = Layout(stage.home, settings.daemon_name)
        version = home.version_for(plan.name, not settings.cosmovisor_disable_recase)
        binary.write(os.path.join(home.genesis, "bin", stage.prog), stage.options("old", "1.0.0"))
        binary.write(home.bin(version), stage.options("new", "2.0.0", plan.name))
        durable.replace_link(home.current, "genesis")
        history = [{"at": 2, "plan": {"name": plan.name, "height": _HEIGHT}}]
        stage.make_home(block_interval=_INTERVAL, history=history)
        given = config_file or (layout.config_file if os.path.exists(layout.config_file) else "")
        if given:
            shutil.copy(given, home.config_file)
        _put_script(settings.cosmovisor_custom_preupgrade, layout, home, real=script)
        try:
            stage.start(_environment(environ, folder))
            progress("a stand-in node runs on a scratch home")
            stage.wait("the halt of the stand-in", lambda: stage.notes("halt"))
            progress("the stand-in has halted at its upgrade height")
            stage.wait("the new version", lambda: len(stage.blocks("new")) >= 2)
            code = stage.stop()
        except StageError as error:
            stage.end()
            return Played(
                (failed("stand-in", str(error), f"The supervisor's last words: {_last(stage.log)}"),)
            )
        finally:
            stage.end()
        return Played(tuple(_judge(stage, code)), stage.downtime("new")[0])


def _scratch(settings: Settings) -> str:
    """Return the folder for temporary files, or `DAEMON_HOME` where no program can be run in that."""
    usual = tempfile.gettempdir()
    return settings.daemon_home if os.statvfs(usual).f_flag & os.ST_NOEXEC else usual


def _environment(environ: Mapping[str, str], folder: str) -> dict[str, str]:
    kept = {name: text for name, text in environ.items() if name not in _NOT_PLAYED}
    backups = os.path.join(folder, "backups")
    durable.make_folder(backups)
    return {**kept, "COSMOVISOR_SCOUT": "off", "DAEMON_DATA_BACKUP_DIR": backups}


def _put_script(name: str, layout: Layout, home: Layout, *, real: bool) -> None:
    """Put the operator's script where the stand-in's supervisor looks for it, or one that does nothing."""
    if not name:
        return
    original, target = os.path.join(layout.root, name), os.path.join(home.root, name)
    durable.make_folder(os.path.dirname(target))
    if not real:
        durable.write_file(target, b"#!/bin/sh\nexit 0\n", 0o700)
    elif os.path.isfile(original):  # where it is missing, the stand-in fails as the night would
        shutil.copy(original, target)


def _judge(stage: Stage, code: int) -> list[Check]:
    entries = ledger.read(stage.ledger)
    wrong = ledger.conflicts(entries)
    wrong += ["the old version was started again" for _ in ledger.old_starts_after_halt(entries)]
    wrong += ["the new version was started too early" for _ in ledger.early_starts(entries)]
    if code:
        wrong.append(f"the supervisor ended with status {code}")
    if wrong:
        return [failed("stand-in", text) for text in wrong]
    seconds = stage.downtime("new")[0]
    return [
        ok(
            "stand-in",
            f"halt, stop, backup, switch and start were played; {seconds:.2f} s to the new process",
        )
    ]


def _last(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = [line for line in file.read().splitlines() if line.strip()]
    except OSError:
        return "none"
    return lines[-1] if lines else "none"
