"""The few settings that the machine needs, as plain values (built from `Settings` by the supervisor)."""

from __future__ import annotations

from cosmovisor.model.value import value


@value
class Policy:
    """Settings of the machine; times in seconds.

    Attributes:
        skip: Heights of `--unsafe-skip-upgrades` (`decide.skip.heights`).
        hold_limit: How long to hold without a living node before exit 75.
        exit_on_missing: COSMOVISOR_ON_MISSING_BINARY=exit: end at once, as the Go tool does.
        shutdown_grace: From SIGTERM to SIGKILL of the old node, where DAEMON_SHUTDOWN_GRACE is set; None: 10
            s at a proven halt, where the state is committed and nothing is lost, 60 s where the node may
            still work.
        restart_after_upgrade: DAEMON_RESTART_AFTER_UPGRADE.
        restart_delay: DAEMON_RESTART_DELAY, between the stop of the node and the backup.
        restart: COSMOVISOR_RESTART=on: restart after an ordinary exit, with back-off.
        pre_upgrade_tries: 1 + DAEMON_PREUPGRADE_MAX_RETRIES.
        backup_waived: The setting that has switched backups off; empty: they are taken.
        script: COSMOVISOR_CUSTOM_PREUPGRADE is set.
        sign_gate: COSMOVISOR_SIGN_GATE=refuse.
        adopt_orphan: COSMOVISOR_ORPHAN=adopt.
        poll: Seconds between two looks at the facts beside the watches.
        settle: Lower bound of the settle time; the longer one is six times that.
    """

    skip: tuple[int, ...] = ()
    hold_limit: float = 600.0
    exit_on_missing: bool = False
    shutdown_grace: float | None = None
    restart_after_upgrade: bool = True
    restart_delay: float = 0.0
    restart: bool = False
    pre_upgrade_tries: int = 1
    backup_waived: str = ""
    script: bool = False
    sign_gate: bool = True
    adopt_orphan: bool = False
    poll: float = 5.0
    settle: float = 10.0
