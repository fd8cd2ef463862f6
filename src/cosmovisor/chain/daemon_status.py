"""Heights from `<daemon> status --home HOME`, for daemons that answer nothing else (the Go tool's way)."""

from __future__ import annotations

from cosmovisor.chain import answer
from cosmovisor.chain.rpc import NodeStatus, parse_status
from cosmovisor.model.errors import ChainError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping

#: Bytes of standard output that are read.
OUTPUT_LIMIT = 1 << 20


def _wait(child: subprocess.Popen[bytes], timeout: float) -> int:
    """Wait for the end of a child; told by the kernel, as `Popen.wait` looks ever more seldom."""
    import os
    import select

    try:
        pidfd = os.pidfd_open(child.pid)
    except (AttributeError, OSError):
        return child.wait(timeout)
    try:
        select.select([pidfd], [], [], timeout)
    finally:
        os.close(pidfd)
    return child.wait(0)


def ask(
    executable: str,
    node_home: str,
    timeout: float = 5.0,
    *,
    environ: Mapping[str, str] | None = None,
    node_id: str = "",
) -> NodeStatus:
    """Run `<daemon> status --home HOME` and read its standard output; standard error is often noise.

    Args:
        executable: The daemon.
        node_home: The node's home.
        timeout: Seconds until the command and everything that it started is killed.
        environ: The node's environment; None for our own.
        node_id: Node that must be meant; empty takes any.

    Raises:
        ChainError: It fails, is slow, says something else, or speaks of another node.
    """
    import contextlib
    import os
    import signal
    import subprocess
    import tempfile

    what = f"{os.path.basename(executable)} status"
    with tempfile.TemporaryFile() as output:
        try:
            child = subprocess.Popen(
                [executable, "status", "--home", node_home],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.DEVNULL,
                env=None if environ is None else dict(environ),
                start_new_session=True,
            )
        except OSError as error:
            raise ChainError(f"cannot run {what}: {error.strerror}") from error
        try:
            code = _wait(child, timeout)
        except subprocess.TimeoutExpired as error:
            raise ChainError(f"cannot use {what}: no result within {timeout:g} s") from error
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        if code:
            raise ChainError(f"cannot use {what}: it ended with status {code}")
        output.seek(0)
        data = output.read(OUTPUT_LIMIT + 1)
    if len(data) > OUTPUT_LIMIT:
        raise ChainError(f"cannot use {what}: more than {OUTPUT_LIMIT} bytes of output")
    status = parse_status(answer.parse(data, what), what, named=False)
    if node_id and status.node_id and status.node_id.lower() != node_id.lower():
        raise ChainError(
            f"cannot believe {what}: it speaks of node {status.node_id}, not {node_id}", mismatch="node"
        )
    return status
