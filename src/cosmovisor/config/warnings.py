"""What is allowed and still looks like a mistake."""

from __future__ import annotations

from cosmovisor.config.table import BY_NAME

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cosmovisor.config.settings import Settings

_PREFIXES = ("DAEMON", "DEAMON", "DAMEON", "COSMO", "COMSO", "UNSAFE")
_OLD = {
    "DAEMON_LOG_BUFFER_SIZE": "is no longer needed: lines of any length pass",
    "DAEMON_BACKUP_DIR": "was never read: the variable is DAEMON_DATA_BACKUP_DIR",
    "DAEMON_BACKUP_DATA_DIR": "belongs to a fork: the variable is DAEMON_DATA_BACKUP_DIR",
    "DAEMON_DATA_DIR": "was never read: the node's --home says where its data is",
}
_FAR = 3


def misspelt(names: Iterable[str]) -> list[str]:
    """Name the variables that nobody reads and that look like one of ours."""
    found = []
    for name in names:
        upper = name.upper()
        if name in BY_NAME or not upper.startswith(_PREFIXES):
            continue
        if upper in _OLD:
            found.append(f"{name} {_OLD[upper]}")
            continue
        meant = closest(upper)
        if meant:
            found.append(f"{name} is not read by anybody; did you mean {meant}?")
    return found


def closest(name: str, names: Iterable[str] = tuple(BY_NAME)) -> str | None:
    """Return the known name at most two mistakes away (three for long names), or None."""
    limit = _FAR if len(name) > 2 * len("DAEMON_HOME") else 2
    best = None
    for known in names:
        if abs(len(known) - len(name)) >= limit + 1:
            continue
        distance = _distance(name, known, limit)
        if distance <= limit:
            best, limit = known, distance - 1
    return best


def _distance(left: str, right: str, limit: int) -> int:
    """Count the letters to change, add, take away or swap with a neighbour; stops beyond the limit."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, letter in enumerate(left, 1):
        before, last, row = row, before, [i]
        for j, other in enumerate(right, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == right[j - 2] and left[i - 2] == other:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
    return row[-1]


def contradictions(settings: Settings, origins: Mapping[str, str]) -> list[str]:
    """Name settings of which one makes the other pointless.

    Args:
        settings: What is in force.
        origins: Where each variable came from; only what somebody has set can contradict.
    """
    given = {name for name, origin in origins.items() if origin in {"environment", "file"}}
    found = []
    if settings.unsafe_skip_backup and "COSMOVISOR_BACKUP" in given:
        found.append("UNSAFE_SKIP_BACKUP=true wins over COSMOVISOR_BACKUP: no backup will be taken")
    if settings.cosmovisor_backup == "off" and "DAEMON_DATA_BACKUP_DIR" in given:
        found.append("DAEMON_DATA_BACKUP_DIR is set, but backups are off: nothing will be written there")
    if settings.daemon_download_must_have_checksum and settings.cosmovisor_trust == "off":
        found.append(
            "DAEMON_DOWNLOAD_MUST_HAVE_CHECKSUM=true wins over COSMOVISOR_TRUST=off: a checksum is required"
        )
    if not settings.daemon_allow_download_binaries:
        found.extend(
            f"{name} is set, but DAEMON_ALLOW_DOWNLOAD_BINARIES is not true: nothing will be fetched"
            for name in ("COSMOVISOR_MIRRORS", "COSMOVISOR_DOWNLOAD_LIMIT", "COSMOVISOR_DOWNLOAD_TIMEOUT")
            if name in given
        )
    if settings.cosmovisor_on_missing_binary == "exit" and "COSMOVISOR_HOLD_LIMIT" in given:
        found.append("COSMOVISOR_HOLD_LIMIT is set, but COSMOVISOR_ON_MISSING_BINARY=exit never holds")
    if settings.cosmovisor_restart == "on" and not settings.daemon_restart_after_upgrade:
        found.append("COSMOVISOR_RESTART=on cannot help where DAEMON_RESTART_AFTER_UPGRADE=false ends it all")
    if settings.cosmovisor_extra_rpc and settings.cosmovisor_scout == "off":
        found.append("COSMOVISOR_EXTRA_RPC is set, but COSMOVISOR_SCOUT=off: nobody asks those addresses")
    return found
