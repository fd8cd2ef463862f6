"""The one place where errors become text and an exit status."""

from __future__ import annotations

import os
import sys

from cosmovisor.model.errors import EXIT_OTHER, CosmovisorError

_INTERRUPTED = 130


def wants_json(arguments: list[str]) -> bool:
    """Tell whether the command line asks for JSON, also where it cannot be parsed."""
    for at, word in enumerate(arguments):
        if word in {"-ojson", "-o=json", "--output=json"}:
            return True
        if word in {"-o", "--output"} and arguments[at + 1 : at + 2] == ["json"]:
            return True
    return False


def report(error: BaseException, *, as_json: bool = False) -> int:
    """Say what went wrong on the error stream and return the exit status; never a traceback.

    The text is the cause, then the next step; as JSON it is one object on one line.
    """
    if isinstance(error, KeyboardInterrupt):
        return _INTERRUPTED
    if isinstance(error, BrokenPipeError):
        _let_go_of_stdout()
        return EXIT_OTHER
    if isinstance(error, CosmovisorError):
        return _say(
            error.cause, error.next_step, error.exit_status, error.reference, error.facts, as_json=as_json
        )
    if isinstance(error, OSError):
        cause = (
            f"{error.strerror or error}: {error.filename}" if error.filename else str(error.strerror or error)
        )
        return _say(cause, step_for(error), EXIT_OTHER, "system", {}, as_json=as_json)
    place = _keep(error)
    cause = f"internal error: {type(error).__name__}: {error}"
    step = "This is a defect of cosmovisor; please report it"
    step += f" with the file {place}." if place else "."
    return _say(cause, step, EXIT_OTHER, "internal", {}, as_json=as_json)


def _say(
    cause: str, next_step: str, status: int, kind: str, facts: dict[str, object], *, as_json: bool
) -> int:
    from cosmovisor.observe.secrets import conceal

    cause, next_step = conceal(cause), conceal(next_step)
    if as_json:
        import json

        said: dict[str, object] = {"error": cause, "next": next_step, "kind": kind, "status": status}
        if facts:
            said["facts"] = facts
        text = json.dumps(said, default=str)
    else:
        text = f"Error: {cause}"
        if next_step:
            text += f"\nNext: {next_step}"
    data = (text + "\n").encode("utf-8", "replace")
    try:
        os.write(2, data)
    except OSError:
        # Nobody reads the error stream; the status still tells.
        return status
    return status


def step_for(error: OSError) -> str:
    """Return the next step for an error of the operating system."""
    import errno

    if error.errno in {errno.EACCES, errno.EPERM}:
        return "Run this as the user who owns the files, or repair their owner and mode."
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return "Free some space and try again; nothing is half done."
    if error.errno == errno.EROFS:
        return "The file system is read-only: mount it for writing, or put DAEMON_HOME elsewhere."
    if error.errno in {errno.ELOOP, errno.ENOTDIR, errno.EEXIST, errno.EISDIR}:
        return "Something of another kind is in the way there: look at it (ls -l) and move it away."
    return "Look at the file named above."


def _keep(error: BaseException) -> str:
    """Keep the traceback in a file of the user's own; empty where that fails."""
    import tempfile
    import traceback

    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="cosmovisor-error-", suffix=".txt", delete=False, encoding="utf-8", errors="replace"
        ) as file:
            file.write("".join(traceback.format_exception(error)))
            return file.name
    except OSError:
        return ""


def _let_go_of_stdout() -> None:
    """Point standard output at nothing, so that the interpreter's last flush does not complain."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    except OSError:
        sys.stdout = None
