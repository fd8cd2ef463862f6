"""Every setting, once: the only source of names, kinds, defaults, help and documentation."""

from __future__ import annotations

from cosmovisor.model.value import value

#: Kinds of values. `config.values` reads each from text and from the file.
PATH, TEXT, BOOL, DURATION, INTEGER, BYTES, WORD, TIME_FORMAT, LIST = (
    "path",
    "text",
    "boolean",
    "duration",
    "integer",
    "bytes",
    "word",
    "time format",
    "list",
)

SECOND = 1_000_000_000


@value
class Variable:
    """One setting.

    Attributes:
        name: The environment variable. In lower case: key of config.toml, field of `Settings`.
        kind: One of the kinds above.
        default: As text in the syntax of the environment; empty where there is none.
        help: What it does; one or two sentences.
        example: A value to show in errors and documentation.
        since: The Go tool's version that has it, or `here` for a setting of ours.
        choices: The words of a `WORD`.
        go_zero: What the Go tool takes, with a configuration file, where the key is missing from it.
    """

    name: str
    kind: str
    default: str
    help: str
    example: str
    since: str
    choices: tuple[str, ...] = ()
    go_zero: str = ""

    @property
    def key(self) -> str:
        """Name in config.toml, and of the field in `Settings`."""
        return self.name.lower()

    @property
    def ours(self) -> bool:
        """True where the Go tool does not have it."""
        return self.since == "here"


# In the order in which the Go tool shows and writes its own; ours follow.
VARIABLES = (
    Variable(
        "DAEMON_HOME",
        PATH,
        "",
        "Folder that holds cosmovisor/ with the binaries, and data/ unless the node's --home says otherwise.",
        "/home/evmos/.evmosd",
        "0.1",
    ),
    Variable("DAEMON_NAME", TEXT, "", "File name of the daemon in every bin/ folder.", "evmosd", "0.1"),
    Variable(
        "DAEMON_ALLOW_DOWNLOAD_BINARIES",
        BOOL,
        "false",
        "Fetch the binary of a plan ahead of its height. Without it a missing binary is only reported.",
        "true",
        "0.1",
        go_zero="false",
    ),
    Variable(
        "DAEMON_DOWNLOAD_MUST_HAVE_CHECKSUM",
        BOOL,
        "false",
        "Refuse to fetch from a URL that carries no checksum.",
        "true",
        "1.5",
        go_zero="false",
    ),
    Variable(
        "DAEMON_RESTART_AFTER_UPGRADE",
        BOOL,
        "true",
        "Start the new binary after an upgrade; false ends with status 0 instead. Never concerns crashes.",
        "true",
        "0.1",
        go_zero="false",
    ),
    Variable(
        "DAEMON_RESTART_DELAY",
        DURATION,
        "",
        "Time to wait between the end of the old node and the backup.",
        "5s",
        "1.2",
        go_zero="0s",
    ),
    Variable(
        "DAEMON_SHUTDOWN_GRACE",
        DURATION,
        "",
        "How long the old node may take to end before it is killed for an upgrade; 10 s where it is not set.",
        "30s",
        "1.5",
        go_zero="0s",
    ),
    Variable(
        "DAEMON_POLL_INTERVAL",
        DURATION,
        "300ms",
        "How often the plan file is looked at where the system cannot announce changes.",
        "300ms",
        "1.0",
        go_zero="0s",
    ),
    Variable(
        "UNSAFE_SKIP_BACKUP",
        BOOL,
        "false",
        "Upgrade without a copy of the data; the same as COSMOVISOR_BACKUP=off.",
        "true",
        "0.1",
        go_zero="false",
    ),
    Variable(
        "DAEMON_DATA_BACKUP_DIR",
        PATH,
        "",
        "Existing folder for backups of the data; DAEMON_HOME where it is not set.",
        "/var/backups/evmos",
        "1.1",
    ),
    Variable(
        "DAEMON_PREUPGRADE_MAX_RETRIES",
        INTEGER,
        "0",
        "How often the new binary's pre-upgrade command is repeated when it ends with status 31.",
        "3",
        "1.0",
        go_zero="0",
    ),
    Variable(
        "DAEMON_GRPC_ADDRESS",
        TEXT,
        "localhost:9090",
        "Address of the node's gRPC server.",
        "localhost:9090",
        "1.7",
    ),
    Variable(
        "COSMOVISOR_DISABLE_LOGS",
        BOOL,
        "false",
        "Silence this program's own log. Errors on the command line are still shown.",
        "true",
        "1.5",
        go_zero="false",
    ),
    Variable(
        "COSMOVISOR_COLOR_LOGS",
        BOOL,
        "true",
        "Colour this program's own log; where it is not set, NO_COLOR switches the colours off.",
        "false",
        "1.5",
        go_zero="false",
    ),
    Variable(
        "COSMOVISOR_TIMEFORMAT_LOGS",
        TIME_FORMAT,
        "kitchen",
        "Format of the time in this program's own log; set and empty: no time.",
        "rfc3339",
        "1.5",
    ),
    Variable(
        "COSMOVISOR_CUSTOM_PREUPGRADE",
        TEXT,
        "",
        "Script to run before the switch, relative to DAEMON_HOME/cosmovisor; gets name and height.",
        "before-upgrade.sh",
        "1.5",
    ),
    Variable(
        "COSMOVISOR_DISABLE_RECASE",
        BOOL,
        "false",
        "Keep the letter case of plan names in folder names; otherwise they are lower-cased.",
        "true",
        "1.5",
        go_zero="false",
    ),
    Variable(
        "COSMOVISOR_ORPHAN",
        WORD,
        "stop",
        "What to do with a node that a killed supervisor left running: stop it first, or adopt it.",
        "adopt",
        "here",
        ("stop", "adopt"),
    ),
    Variable(
        "COSMOVISOR_TRUST",
        WORD,
        "warn",
        "What a fetched binary must prove: require a digest, pin or signature; warn; off for test networks.",
        "require",
        "here",
        ("require", "warn", "off"),
    ),
    Variable(
        "COSMOVISOR_BACKUP",
        WORD,
        "require",
        "Whether an upgrade needs a backup: require it, best-effort, or off.",
        "best-effort",
        "here",
        ("require", "best-effort", "off"),
    ),
    Variable("COSMOVISOR_BACKUP_KEEP", INTEGER, "0", "How many backups are kept; 0 keeps all.", "3", "here"),
    Variable(
        "COSMOVISOR_SCOUT",
        WORD,
        "on",
        "Run the second process, which talks to networks: chain, governance, staging ahead.",
        "off",
        "here",
        ("on", "off"),
    ),
    Variable(
        "COSMOVISOR_ON_MISSING_BINARY",
        WORD,
        "hold",
        "At the height without a usable binary: hold and go on when it appears, or exit as the Go tool does.",
        "exit",
        "here",
        ("hold", "exit"),
    ),
    Variable(
        "COSMOVISOR_HOLD_LIMIT",
        DURATION,
        "10m",
        "How long to wait for a binary when the node is gone, before ending with status 75.",
        "1h",
        "here",
    ),
    Variable(
        "COSMOVISOR_LOG_STREAM",
        WORD,
        "stderr",
        "Where this program's own log goes; the Go tool writes to stdout.",
        "stdout",
        "here",
        ("stderr", "stdout"),
    ),
    Variable(
        "COSMOVISOR_SIGN_GATE",
        WORD,
        "refuse",
        "Refuse to start a node whose sign-state is lower than what its key has signed; off starts it.",
        "off",
        "here",
        ("refuse", "off"),
    ),
    Variable(
        "COSMOVISOR_SAME_KEY",
        WORD,
        "refuse",
        "Refuse to start a second node with the same validator key on this machine; allow starts it.",
        "allow",
        "here",
        ("refuse", "allow"),
    ),
    Variable(
        "COSMOVISOR_PREUPGRADE_TIMEOUT",
        DURATION,
        "30m",
        "Time limit for the pre-upgrade command, and for the script of COSMOVISOR_CUSTOM_PREUPGRADE.",
        "2h",
        "here",
    ),
    Variable(
        "COSMOVISOR_RESTART",
        WORD,
        "off",
        "Start the node again, ever more slowly, when it ends by itself; off leaves that to others.",
        "on",
        "here",
        ("off", "on"),
    ),
    Variable(
        "COSMOVISOR_EXTRA_RPC",
        LIST,
        "",
        "More RPC addresses of the same chain, by commas, to learn of plans while the node is down.",
        "https://rpc.example.com,http://10.0.0.5:26657",
        "here",
    ),
    Variable(
        "COSMOVISOR_MIRRORS",
        LIST,
        "",
        "URLs, separated by commas, under which binaries are looked for when the plan's own URL fails.",
        "https://mirror.example.com/evmos",
        "here",
    ),
    Variable(
        "COSMOVISOR_STAGING_KEEP",
        INTEGER,
        "1",
        "How many unfinished downloads of other plans are kept in the staging folder.",
        "3",
        "here",
    ),
    Variable(
        "COSMOVISOR_DOWNLOAD_LIMIT",
        BYTES,
        "2GiB",
        "The largest download that is accepted; plain bytes or with KiB, MiB, GiB.",
        "500MiB",
        "here",
    ),
    Variable(
        "COSMOVISOR_DOWNLOAD_TIMEOUT",
        DURATION,
        "30m",
        "Time limit for one download.",
        "2h",
        "here",
    ),
)

BY_NAME = {variable.name: variable for variable in VARIABLES}
BY_KEY = {variable.key: variable for variable in VARIABLES}
