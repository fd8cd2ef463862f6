"""What the supervisor knows of its home from the first moment on."""

from __future__ import annotations

from cosmovisor.config import layout as layouts
from cosmovisor.config.layout import Layout
from cosmovisor.config.settings import Settings
from cosmovisor.decide import skip
from cosmovisor.decide.policy import Policy
from cosmovisor.model.value import value

#: Seconds between two looks beside the watches.
_POLL = 5.0


@value
class Context:
    """One home, one command line.

    Attributes:
        settings: The settings in force.
        layout: The folder tree.
        arguments: The node's arguments, as given.
        environ: The node's environment, as given.
        node_home: Where the node keeps its data.
        config_file: The configuration file that the operator named, or None.
        policy: What the machine needs of the settings.
    """

    settings: Settings
    layout: Layout
    arguments: tuple[str, ...]
    environ: dict[str, str]
    node_home: str
    config_file: str | None
    policy: Policy

    @property
    def data(self) -> str:
        """The node's data folder."""
        return f"{self.node_home}/data"

    @property
    def plan_file(self) -> str:
        """The file in which the chain announces the upgrade."""
        return f"{self.node_home}/data/upgrade-info.json"


def build(
    settings: Settings, arguments: list[str], environ: dict[str, str], config_file: str | None
) -> Context:
    """Put together what the supervisor works with."""
    return Context(
        settings=settings,
        layout=layouts.layout_of(settings),
        arguments=tuple(arguments),
        environ=environ,
        node_home=layouts.node_home(arguments, environ, settings),
        config_file=config_file,
        policy=policy(settings, arguments),
    )


def policy(settings: Settings, arguments: list[str]) -> Policy:
    """Translate the settings for the machine."""
    return Policy(
        skip=skip.heights(arguments),
        hold_limit=settings.cosmovisor_hold_limit,
        exit_on_missing=settings.cosmovisor_on_missing_binary == "exit",
        shutdown_grace=settings.daemon_shutdown_grace or None,
        restart_after_upgrade=settings.daemon_restart_after_upgrade,
        restart_delay=settings.daemon_restart_delay,
        restart=settings.cosmovisor_restart == "on",
        pre_upgrade_tries=1 + settings.daemon_preupgrade_max_retries,
        backup_waived="COSMOVISOR_BACKUP=off" if settings.cosmovisor_backup == "off" else "",
        script=bool(settings.cosmovisor_custom_preupgrade),
        sign_gate=settings.cosmovisor_sign_gate == "refuse",
        adopt_orphan=settings.cosmovisor_orphan == "adopt",
        poll=_POLL,
    )
