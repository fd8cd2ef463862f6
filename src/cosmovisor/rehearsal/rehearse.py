"""A whole rehearsal: binary, stand-in, backup, trial, and the forecast that they add up to."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from cosmovisor.config import layout as places
from cosmovisor.config.layout import Layout
from cosmovisor.config.settings import Settings
from cosmovisor.model.plan import Plan
from cosmovisor.model.value import value
from cosmovisor.rehearsal import backups, binary, script, stand_in, trial
from cosmovisor.rehearsal.check import Check, failed, ok
from cosmovisor.storage import locks


@value
class Wishes:
    """What the operator asked for beyond the ordinary.

    Attributes:
        full_backup: Take the whole backup instead of a sample.
        trial: Run the real new binary on a copy of the data.
        data: The data to copy for it; empty for the node's own.
        limit: Seconds that the trial may take.
        script: Run the operator's script in the stand-in.
    """

    full_backup: bool = False
    trial: bool = False
    data: str = ""
    limit: float = 300.0
    script: bool = False


@value
class Outcome:
    """What the rehearsal has shown.

    Attributes:
        plan: The plan that was played.
        checks: Everything that was checked, in order.
        switch: Seconds from the halt to the new process, of the stand-in; negative where unknown.
        backup: Seconds of the backup of the real data; negative where unknown.
        start: Seconds that the real new binary needed on a copy; negative where it was not tried.
    """

    plan: Plan
    checks: tuple[Check, ...]
    switch: float
    backup: float
    start: float

    @property
    def held(self) -> bool:
        """Tell whether the night would not fail for anything that was checked."""
        return all(check.outcome != "failed" for check in self.checks)

    def forecast(self) -> str:
        """Say in words how long the node will be down."""
        if self.switch < 0 or self.backup < 0:
            return "No forecast of the downtime: not everything that it needs could be measured."
        parts = [f"{self.switch:.1f} s for stop, switch and start", f"{self.backup:.1f} s for the backup"]
        total = self.switch + self.backup
        if self.start >= 0:
            parts.append(f"{self.start:.1f} s until the new binary answers")
            total += self.start
        text = f"Forecast of the downtime: about {total:.1f} s ({', '.join(parts)})"
        return text + ("." if self.start >= 0 else ", plus the new binary's own start and migration.")


def rehearse(
    settings: Settings,
    layout: Layout,
    environ: Mapping[str, str],
    config_file: str | None,
    plan: Plan,
    wishes: Wishes,
    progress: Callable[[str], None],
) -> Outcome:
    """Play the whole upgrade of one plan; the real node is not touched and nothing is left behind.

    Args:
        settings: The operator's settings.
        layout: His folder tree.
        environ: The environment that the node would get.
        config_file: The configuration file that was named, or None.
        plan: The plan.
        wishes: What else he wants.
        progress: Told what is being done.
    """
    home = places.node_home([], environ, settings)
    binary.stage(environ, config_file, plan, progress)
    checks, staged = binary.examine(settings, layout, plan)
    checks += script.examine(settings, layout, environ, played=wishes.script)
    played = stand_in.play(settings, layout, environ, config_file, plan, progress, script=wishes.script)
    checks += played.checks
    running = locks.is_held(layout.node_lock)
    saved = _back_up(settings, layout, home, plan, wishes, progress, running=running)
    checks += saved.checks
    start = -1.0
    if wishes.trial and staged is not None:
        if running and not wishes.data:
            checks.append(
                failed(
                    "trial", "the node runs: its data cannot be copied", "Name a backup's data with --data."
                )
            )
        else:
            data = wishes.data or os.path.join(home, "data")
            folders = (home, data, backups.place_of(settings))
            tried = trial.run(settings, layout, staged, folders, environ, wishes.limit, progress)
            checks += tried.checks
            start = tried.seconds
    elif staged is not None and not staged.no_pre_upgrade:
        checks.append(ok("pre-upgrade", "not tried: --trial runs it on a copy of the data"))
    return Outcome(plan, tuple(checks), played.seconds, saved.seconds, start)


def _back_up(
    settings: Settings,
    layout: Layout,
    home: str,
    plan: Plan,
    wishes: Wishes,
    progress: Callable[[str], None],
    *,
    running: bool,
) -> backups.BackupTime:
    if not wishes.full_backup:
        return backups.by_sample(settings, home)
    if running:
        trouble = failed(
            "backup", "a full one needs the node to be down", "Stop it, or leave --full-backup out."
        )
        return backups.BackupTime((trouble,))
    return backups.in_full(settings, layout, home, plan, progress)
