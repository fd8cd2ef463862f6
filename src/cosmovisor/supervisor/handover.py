"""A reload: our own program is replaced by a new start of itself while the node runs on.

The new program takes over the process, its number and its children, so the node's exit status is not lost.
What the old one knew of the node travels in one environment variable, which the node never sees.
"""

from __future__ import annotations

import os
import sys

from cosmovisor.model.errors import ConfigurationError, CosmovisorError, StateError
from cosmovisor.model.value import value
from cosmovisor.storage import light_json

VARIABLE = "COSMOVISOR_RELOADED"
#: Seconds for the new program's look at its configuration.
_TIME_LIMIT = 60.0
_OUTPUT = 1 << 16


@value
class Handover:
    """What the new program takes over.

    Attributes:
        lock_fd: Descriptor of the supervisor's lock.
        pid: The node.
        started_at: When the node was started, seconds since the epoch.
        binary: The node's program.
        arguments: The node's arguments, with any that we had added.
    """

    lock_fd: int
    pid: int
    started_at: float
    binary: str
    arguments: tuple[str, ...]


def take(environ: dict[str, str]) -> Handover | None:
    """Take the handover out of the environment; None where this is an ordinary start.

    Raises:
        StateError: The variable holds something else.
    """
    text = environ.pop(VARIABLE, "")
    os.environ.pop(VARIABLE, None)
    if not text:
        return None
    try:
        found = light_json.loads(text)
        arguments = tuple(str(word) for word in found["arguments"])
        return Handover(
            int(found["lock_fd"]),
            int(found["pid"]),
            float(found["started_at"]),
            str(found["binary"]),
            arguments,
        )
    except (ValueError, KeyError, TypeError):
        raise StateError(
            f"cannot take over a node: {VARIABLE} holds no handover", f"Unset it: unset {VARIABLE}"
        ) from None


def replace_ourselves(handover: Handover, environ: dict[str, str]) -> None:
    """Start our own program anew in this process; returns only by raising.

    Signals must be blocked: those that come meanwhile wait for the new program.

    Raises:
        OSError: The program cannot be executed; nothing has changed.
    """
    text = light_json.dumps(
        {
            "lock_fd": handover.lock_fd,
            "pid": handover.pid,
            "started_at": handover.started_at,
            "binary": handover.binary,
            "arguments": list(handover.arguments),
        }
    )
    os.set_inheritable(handover.lock_fd, True)
    try:
        argv = [sys.executable, *sys.orig_argv[1:]]
        os.execve(sys.executable, argv, {**environ, VARIABLE: text})  # noqa: S606
    finally:
        os.set_inheritable(handover.lock_fd, False)


def check(arguments: tuple[str, ...], environ: dict[str, str], config_file: str | None) -> None:
    """Let the new program look at configuration, folders and state document, as a child; blocking.

    Raises:
        CosmovisorError: It would not run; says why.
    """
    import subprocess

    question = light_json.dumps({"arguments": list(arguments), "config_file": config_file})
    command = [sys.executable, "-m", "cosmovisor.supervisor.handover"]
    try:
        done = subprocess.run(
            command,
            input=question.encode(),
            env=environ,
            capture_output=True,
            timeout=_TIME_LIMIT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StateError(f"cannot check the new program: {error}", "The old one goes on.") from None
    answer: object = None
    if len(done.stdout) <= _OUTPUT:
        try:
            answer = light_json.loads(done.stdout)
        except ValueError:
            answer = None
    if not isinstance(answer, dict):
        words = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise StateError(
            f"the new program does not run: {words[-1][:300] if words else f'status {done.returncode}'}",
            "The old one goes on; repair the installation.",
        )
    if "error" in answer:
        raise CosmovisorError(str(answer["error"]), str(answer.get("next", "")))


def pinned(environ: dict[str, str]) -> list[str]:
    """Return the settings that come from the environment, which a reload cannot change."""
    from cosmovisor.config.table import VARIABLES

    return [variable.name for variable in VARIABLES if variable.name in environ]


def main() -> int:
    """Be the child that looks: read the question, write the answer."""
    from cosmovisor.config import load
    from cosmovisor.config.layout import layout_of
    from cosmovisor.storage import document

    question = light_json.loads(sys.stdin.buffer.read())
    try:
        loaded = load.load(os.environ, question["config_file"], args=question["arguments"])
        settings = load.require(loaded)
        if loaded.ignored:
            # A start goes on with defaults; a reload would take settings away that are in force.
            raise ConfigurationError(
                "\n".join([problem.line() for problem in loaded.ignored]), "Correct it, then reload again."
            )
        document.read(layout_of(settings).state_file)
    except CosmovisorError as error:
        answer: dict[str, object] = {"error": error.cause, "next": error.next_step}
    else:
        answer = {"ok": True}
    sys.stdout.write(light_json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main())
