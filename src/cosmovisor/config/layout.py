"""Path arithmetic: where everything lies. Nothing here touches the disk."""

from __future__ import annotations

import os

from cosmovisor.config.folders import escaped, recased, unescaped
from cosmovisor.model.plan import GENESIS_VERSION, Version
from cosmovisor.model.value import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cosmovisor.config.settings import Settings


@value
class Layout:
    """The folder tree of one home.

    Attributes:
        daemon_home: Absolute path, the value of `DAEMON_HOME`.
        daemon_name: File name of the executable in every `bin/`.
    """

    daemon_home: str
    daemon_name: str

    @property
    def root(self) -> str:
        """`HOME/cosmovisor`."""
        home = self.daemon_home
        return f"{home}/cosmovisor" if home[-1:] not in {"", "/"} else os.path.join(home, "cosmovisor")

    @property
    def current(self) -> str:
        """The link to the active version's folder."""
        return f"{self.root}/current"

    @property
    def genesis(self) -> str:
        """Folder of the first version."""
        return f"{self.root}/genesis"

    @property
    def upgrades(self) -> str:
        """Folder that holds one folder per plan."""
        return f"{self.root}/upgrades"

    @property
    def state_file(self) -> str:
        """The state document."""
        return f"{self.root}/state.json"

    @property
    def history_file(self) -> str:
        """Old history that no longer fits the state document."""
        return f"{self.root}/history.jsonl"

    @property
    def decisions_file(self) -> str:
        """The last decisions with their frozen facts."""
        return f"{self.root}/decisions.jsonl"

    @property
    def scout_file(self) -> str:
        """Block times and events that the scout remembers; losing it loses no safety."""
        return f"{self.root}/scout.sqlite"

    @property
    def supervisor_lock(self) -> str:
        """Held by the supervisor as long as it lives."""
        return f"{self.root}/supervisor.lock"

    @property
    def node_lock(self) -> str:
        """Inherited by the node: held exactly as long as the node lives."""
        return f"{self.root}/node.lock"

    @property
    def socket(self) -> str:
        """Where the supervisor answers questions."""
        return f"{self.root}/cosmovisor.sock"

    @property
    def staging(self) -> str:
        """Unfinished binaries."""
        return f"{self.root}/staging"

    @property
    def proofs(self) -> str:
        """Proof records of staged binaries."""
        return f"{self.root}/proofs"

    @property
    def config_file(self) -> str:
        """The configuration file that `init` writes."""
        return f"{self.root}/config.toml"

    def folder(self, version: Version) -> str:
        """Folder of a version."""
        return f"{self.root}/{version.folder}"

    def bin(self, version: Version) -> str:
        """Executable of a version (the file, not its folder)."""
        return f"{self.root}/{version.folder}/bin/{self.daemon_name}"

    def libraries(self, version: Version) -> str:
        """Shared libraries that travel with a version; the folder need not exist."""
        return f"{self.root}/{version.folder}/lib"

    def marker(self, version: Version) -> str:
        """The plan kept beside `bin/` after the switch."""
        return f"{self.root}/{version.folder}/upgrade-info.json"

    def proof(self, version: Version) -> str:
        """Proof record of a version's binary."""
        return os.path.join(self.proofs, f"{os.path.basename(version.folder)}.json")

    def version_for(self, plan_name: str, recase: bool) -> Version:
        """Where the binary of a plan belongs.

        Args:
            plan_name: As the chain has it; checked by `cosmovisor.plan.names.check` before.
            recase: True where names are lower-cased (the default, see `COSMOVISOR_DISABLE_RECASE`).
        """
        name = recased(plan_name) if recase else plan_name
        return Version(name, f"upgrades/{escaped(name)}")

    def version_of(self, folder: str) -> Version | None:
        """Which version a folder belongs to.

        Args:
            folder: Absolute, or relative to the root, as the link `current` has it.

        Returns:
            None where the folder lies outside the tree.
        """
        relative = folder
        if folder.startswith("/") or folder.endswith("/") or folder.count("/") > 1 or "." in folder:
            relative = os.path.relpath(os.path.join(self.root, folder), self.root)
        if relative == GENESIS_VERSION.folder:
            return GENESIS_VERSION
        parent, _, last = relative.rpartition("/")
        if parent != "upgrades" or last in {"", ".", ".."}:
            return None
        return Version(unescaped(last), relative)


def layout_of(settings: Settings) -> Layout:
    """Return the folder tree of these settings."""
    return Layout(settings.daemon_home, settings.daemon_name)


def node_home(args: Sequence[str], environ: Mapping[str, str], settings: Settings) -> str:
    """Where the node keeps its data: `--home`, then `<PROG>_HOME`, then `DAEMON_HOME`.

    Args:
        args: The node's arguments.
        environ: The node's environment.
        settings: For `DAEMON_NAME` and `DAEMON_HOME`.

    Returns:
        An absolute path.
    """
    found = flag(args, "home")
    if not found:
        prefix = settings.daemon_name.upper().replace("-", "_").replace(".", "_")
        found = environ.get(f"{prefix}_HOME", "")
    return os.path.abspath(found) if found else settings.daemon_home


def flag(args: Sequence[str], name: str) -> str | None:
    """Return the value of `--name VALUE` or `--name=VALUE` as cobra reads it; the last one counts."""
    found = None
    word = f"--{name}"
    at = 0
    while at < len(args):
        arg = args[at]
        if arg == "--":
            break
        if arg == word and at + 1 < len(args):
            at += 1
            found = args[at]
        elif arg.startswith(f"{word}="):
            found = arg[len(word) + 1 :]
        at += 1
    return found


def data(home: str) -> str:
    """The node's data folder."""
    return os.path.join(home, "data")


def plan_file(home: str) -> str:
    """The file in which the chain announces that the upgrade height is reached."""
    return os.path.join(home, "data", "upgrade-info.json")
