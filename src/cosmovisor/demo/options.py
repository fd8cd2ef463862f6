"""What one version of the demo daemon is: everything that is baked into its executable."""

from __future__ import annotations

from cosmovisor.model.value import value


@value
class Options:
    """A version and its manners; the defaults are a well-behaved daemon of SDK 0.50.

    Attributes:
        name: Name of the version, as the ledger and the folders have it.
        version: The version text that `version` prints and `abci_info` answers.
        prog: Name of the daemon; its upper-case form is the prefix of its environment variables.
        sdk: Generation of the SDK: `0.42`, `0.45`, `0.47`, `0.50` or `0.53`.
        handlers: Names of the upgrades that this version has a handler for.
        adds: Stores that an upgrade adds: (upgrade name, store name) pairs.
        ledger: File outside every home into which starts and signatures are noted; empty for none.
        leash: Process whose end ends the daemon too, so that no test leaves one behind; 0 for none.
        optimistic: Executes a block when it is proposed: the plan file is there before the block is decided.
        optimistic_gap: Seconds between the two.
        halt: At the upgrade height in consensus: `hang` as CometBFT does, or `exit` as some forks do.
        halt_code: Exit status of that exit.
        refuse_old: Refusal after an upgrade that this version does not know: `load` (exit 1) or `hang`.
        halt_height_early: The variant of SDK 0.50.0 that commits the halt height before it stands still.
        late_blocks: Blocks that SDK 0.47 and older still commit after the halt height.
        slow_start: Seconds before anything else happens.
        slow_migration: Seconds that applying an upgrade takes, before RPC is up.
        slow_stop: Seconds between SIGTERM and the end.
        ignore_sigterm: SIGTERM and SIGINT do nothing.
        deaf: Seconds after the start in which SIGTERM kills at once (SDK 0.47: 5).
        noisy: Text on stderr at every start of any command.
        pre_upgrade: Exit statuses of `pre-upgrade`, in turn (the last one repeats); none: unknown command.
        pre_upgrade_seconds: How long `pre-upgrade` takes.
        status: `ok`, `missing` (no such command) or `default-home` (ignores --home, as wasmd does).
        plan_write: `ok`, `slow` (in two pieces) or `fails` (the file cannot be written).
        power_wait: Seconds after applying an upgrade in which too few validators are back.
        crash_start: Exit status with which every `start` ends at once; -1 for none.
        crash_at: Height at which the process ends with status 1; 0 for none.
        rpc: `on`, `off` or `silent` (accepts connections and says nothing).
    """

    name: str = "v1"
    version: str = "1.0.0"
    prog: str = "demod"
    sdk: str = "0.50"
    handlers: tuple[str, ...] = ()
    adds: tuple[tuple[str, str], ...] = ()
    ledger: str = ""
    leash: int = 0
    optimistic: bool = False
    optimistic_gap: float = 0.01
    halt: str = "hang"
    halt_code: int = 1
    refuse_old: str = "load"
    halt_height_early: bool = False
    late_blocks: int = 0
    slow_start: float = 0.0
    slow_migration: float = 0.0
    slow_stop: float = 0.0
    ignore_sigterm: bool = False
    deaf: float = 0.0
    noisy: str = ""
    pre_upgrade: tuple[int, ...] = ()
    pre_upgrade_seconds: float = 0.0
    status: str = "ok"
    plan_write: str = "ok"
    power_wait: float = 0.0
    crash_start: int = -1
    crash_at: int = 0
    rpc: str = "on"

    def at_least(self, generation: str) -> bool:
        """Tell whether the SDK generation is this one or newer."""
        return [int(part) for part in self.sdk.split(".")] >= [int(part) for part in generation.split(".")]

    def cometbft(self) -> str:
        """Return the version of CometBFT (Tendermint before 0.37) that goes with the SDK."""
        generations = {"0.42": "0.34.13", "0.45": "0.34.22", "0.46": "0.34.28", "0.47": "0.37.9"}
        return generations.get(self.sdk, "0.38.15" if self.sdk == "0.50" else "0.38.21")

    def stores(self) -> set[str]:
        """Return the names of the stores that this version mounts."""
        return {"bank", "gov", "upgrade"} | {store for name, store in self.adds if name in self.handlers}
