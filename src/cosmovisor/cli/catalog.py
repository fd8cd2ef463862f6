"""Every command: name, module and purpose. A module is imported only when its command is used."""

from __future__ import annotations

from cosmovisor.model.value import value


@value
class Entry:
    """One command.

    Attributes:
        module: The module with the click command `COMMAND`.
        section: Heading in the overview.
        summary: One line.
    """

    module: str
    section: str
    summary: str


RUNNING, FOLDERS, UPGRADES, CARE, OTHER = (
    "Run the node",
    "Set up",
    "Upgrades",
    "Look and repair",
    "Other",
)

#: One line for each command; keep it in the order in which the overview shows it.
COMMANDS = {
    "run": Entry("cosmovisor.cli.run", RUNNING, "Run the node and keep it on the right binary."),
    "reload": Entry(
        "cosmovisor.cli.reload", RUNNING, "Start the supervisor anew with new settings; the node runs on."
    ),
    "init": Entry("cosmovisor.cli.init", FOLDERS, "Make the folders and put the first binary into place."),
    "config": Entry(
        "cosmovisor.cli.config", FOLDERS, "Show every setting; with --explain where it comes from."
    ),
    "add-upgrade": Entry("cosmovisor.cli.add_upgrade", UPGRADES, "Put the binary of an upgrade into place."),
    "add-batch-upgrade": Entry(
        "cosmovisor.cli.add_batch_upgrade", UPGRADES, "Put the binaries of several upgrades into place."
    ),
    "patch": Entry(
        "cosmovisor.cli.patch", UPGRADES, "Replace the active binary by a patch release; one step back."
    ),
    "prepare-upgrade": Entry(
        "cosmovisor.cli.prepare_upgrade", UPGRADES, "Fetch and prove the binary of the scheduled upgrade now."
    ),
    "check-plan": Entry(
        "cosmovisor.cli.check_plan", UPGRADES, "Do with a plan what every operator's tool would do; a report."
    ),
    "make-plan": Entry(
        "cosmovisor.cli.make_plan", UPGRADES, "Write a plan's list of binaries, with their digests."
    ),
    "scout": Entry(
        "cosmovisor.cli.scout", UPGRADES, "Follow the chain's proposals and its plan; print what is learned."
    ),
    "rehearse": Entry(
        "cosmovisor.cli.rehearse", UPGRADES, "Play the whole upgrade through with a stand-in node."
    ),
    "sync": Entry(
        "cosmovisor.cli.sync", RUNNING, "Take the node through all upgrades from a list, unattended."
    ),
    "show-upgrade-info": Entry(
        "cosmovisor.cli.show_upgrade_info", UPGRADES, "Show the chain's plan file and the schedule."
    ),
    "schedule": Entry("cosmovisor.cli.schedule", UPGRADES, "List, remove or export the operator's schedule."),
    "status": Entry(
        "cosmovisor.cli.status", CARE, "Show the node, its height, the next upgrade and how ready it is."
    ),
    "history": Entry("cosmovisor.cli.history", CARE, "Show the upgrades that this home has gone through."),
    "doctor": Entry("cosmovisor.cli.doctor", CARE, "Check everything that can be checked, with the fix."),
    "adopt": Entry("cosmovisor.cli.adopt", CARE, "Find the version that fits the data; --fix what is safe."),
    "explain": Entry("cosmovisor.cli.explain", CARE, "Show the last decisions and the facts behind them."),
    "approve": Entry("cosmovisor.cli.approve", CARE, "Accept a binary in spite of its checks."),
    "backup": Entry("cosmovisor.cli.backup", CARE, "List and check backups; forecast the next one."),
    "restore": Entry("cosmovisor.cli.restore", CARE, "Put a backup back; the sign-state never goes back."),
    "version": Entry("cosmovisor.cli.version", OTHER, "Show the version of cosmovisor and of the daemon."),
    "completion": Entry("cosmovisor.cli.completion", OTHER, "Print completion for bash, zsh or fish."),
    "help": Entry("cosmovisor.cli.help", OTHER, "Show this overview, or the help of one command."),
}
