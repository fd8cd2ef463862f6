"""Problems of the configuration, each in one line, and the checks of folders."""

from __future__ import annotations

import os

from cosmovisor.model.value import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cosmovisor.config.settings import Settings

_LONGEST_SHOWN = 80


@value
class Problem:
    """One thing to repair.

    Attributes:
        variable: Its name; empty for a problem of the whole file.
        reason: What is wrong, in lower case.
        origin: `environment`, a file's path, or empty where nothing was set.
        value: What was found.
        expected: What would be right.
        example: A value that would be accepted.
    """

    variable: str
    reason: str
    origin: str = ""
    value: str = ""
    expected: str = ""
    example: str = ""

    def line(self) -> str:
        """Say it in one line."""
        if not self.variable:
            return f"{self.reason}; expected {self.expected}" if self.expected else self.reason
        text = self.variable
        if self.origin:
            where = "" if self.origin == "environment" else f" (key {self.variable.lower()} in {self.origin})"
            text += f"={shown(self.value)}{where}: {self.reason}"
        else:
            text += f" {self.reason}"
        if self.expected:
            text += f"; expected {self.expected}"
        if self.example:
            text += f", for example {self.example}"
        return text

    def facts(self) -> dict[str, str]:
        """Give it for JSON."""
        return {
            "variable": self.variable,
            "reason": self.reason,
            "origin": self.origin,
            "value": self.value,
            "expected": self.expected,
            "example": self.example,
        }


def shown(text: str) -> str:
    """Quote a value for an error text: one line, bounded."""
    cut = text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
    return ascii(cut) if not cut.isprintable() else f"'{cut}'"


def names(settings: Settings) -> list[Problem]:
    """Check what every command needs: name and home."""
    found = []
    if not settings.daemon_name:
        found.append(_unset("DAEMON_NAME", "the file name of the daemon", "evmosd"))
    elif "/" in settings.daemon_name or settings.daemon_name in {".", ".."}:
        found.append(
            Problem(
                "DAEMON_NAME",
                "it is a path",
                "environment",
                settings.daemon_name,
                "the plain file name of the daemon",
                os.path.basename(settings.daemon_name.rstrip("/.")) or "evmosd",
            )
        )
    home = settings.daemon_home
    if not home:
        found.append(_unset("DAEMON_HOME", "an absolute path", "/home/evmos/.evmosd"))
    elif not os.path.isabs(home):
        hint = "; ~ and $NAME are not expanded here" if home[0] in "~$" else ""
        found.append(
            Problem(
                "DAEMON_HOME",
                f"DAEMON_HOME must be an absolute path{hint}",
                "environment",
                home,
                "an absolute path",
                "/home/evmos/.evmosd",
            )
        )
    return found


def places(settings: Settings) -> list[Problem]:
    """Check name and home, and that the folders are there."""
    found = names(settings)
    home = settings.daemon_home
    if os.path.isabs(home):
        root = os.path.join(home, "cosmovisor")
        reason = _no_folder(root)
        if reason:
            if os.path.basename(home.rstrip("/")) == "cosmovisor":
                hint = f"the folder that holds cosmovisor/, probably {os.path.dirname(home.rstrip('/'))}"
            elif os.path.lexists(root):
                hint = f"a folder there: look at it (ls -l {root}) and move it away"
            else:
                hint = f"the folder {root}; `cosmovisor init PATH-OF-THE-DAEMON` makes it"
            found.append(Problem("DAEMON_HOME", f"cannot use {root}: {reason}", "environment", home, hint))
    if settings.cosmovisor_backup == "off":
        return found
    backup = settings.daemon_data_backup_dir
    if not backup:
        found.append(
            Problem(
                "DAEMON_DATA_BACKUP_DIR",
                "must not be empty",
                expected="an existing folder, or DAEMON_HOME set",
            )
        )
    elif not os.path.isabs(backup):
        if backup != home:
            found.append(_backup(backup, f"{backup} must be an absolute path"))
    elif backup != home or not _no_folder(home):
        reason = _no_folder(backup)
        if reason:
            found.append(_backup(backup, f"cannot use it: {reason}"))
    return found


def _unset(name: str, expected: str, example: str) -> Problem:
    return Problem(name, "is not set", expected=expected, example=example)


def _backup(folder: str, reason: str) -> Problem:
    return Problem(
        "DAEMON_DATA_BACKUP_DIR", reason, "environment", folder, "an existing folder", "/var/backups/evmos"
    )


def _no_folder(path: str) -> str:
    """Say why a path cannot serve as a folder; empty where it can."""
    try:
        return (
            ""
            if os.path.isdir(path)
            else ("it is not a folder" if os.path.lexists(path) else "it does not exist")
        )
    except ValueError:
        return "it is no path"
