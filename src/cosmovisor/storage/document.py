"""The state document: `state.json`, one small JSON object with a schema number.

What is in it is defined by the values of `model.state` alone: their annotations are read here, so that a new
field needs no second place. A field that is missing takes its default; one that this version does not know is
left out. Only the supervisor writes the document (the command line under its lock); anyone may `read` it.
"""

from __future__ import annotations

import errno
import os
import time

from cosmovisor.model.errors import StateError
from cosmovisor.model.state import EMPTY, MAX_HISTORY, SCHEMA, State
from cosmovisor.model.value import replace, value
from cosmovisor.storage import codec, durable, light_json

#: More than the bounds of `model.state` can fill; a longer file is not ours.
SIZE_LIMIT = 64 << 20
#: How much of the end of `history.jsonl` is searched for lines that a cut has let us write already.
_TAIL = 1 << 20


@value
class Loaded:
    """A state document with what the operator should know of how it was read.

    Attributes:
        state: The document, or an empty one.
        notes: Sentences for the log, worst first.
        found: False where there was no document, or none that could be read.
    """

    state: State
    notes: tuple[str, ...] = ()
    found: bool = True


_REBUILD = (
    "A start sets it aside and rebuilds what it can; with the node down `cosmovisor adopt --fix` does it now."
)


class DamagedError(StateError):
    """The document cannot be understood."""

    reference = "state-damaged"


def read(path: str) -> State | None:
    """Read the document without touching anything; None where there is none.

    Raises:
        DamagedError: It cannot be understood.
        StateError: It cannot be read, or a newer version wrote it.
    """
    data = _bytes(path)
    return None if data is None else _decode(path, data)


def load(path: str) -> Loaded:
    """Read the document for its owner: a damaged one is moved aside and an empty one takes its place.

    Raises:
        StateError: It cannot be read or moved, or a newer version wrote it.
    """
    try:
        state = read(path)
    except DamagedError as error:
        return _rebuilt(path, error)
    if state is None:
        return Loaded(EMPTY, (), found=False)
    return Loaded(state)


def save(path: str, state: State) -> State:
    """Put the document into place; history beyond its bound goes to `history.jsonl` beside it first.

    Returns:
        The state as it was written: with the bounded history.

    Raises:
        OSError: As the system says; the old document is still whole.
        StateError: A value of the state has no JSON form.
    """
    if len(state.history) > MAX_HISTORY:
        old, kept = state.history[:-MAX_HISTORY], state.history[-MAX_HISTORY:]
        archive(os.path.join(os.path.dirname(path), "history.jsonl"), old)
        state = replace(state, history=kept)
    try:
        entries = codec.encode(state).items()
        write = light_json.writer()
        lines = [f'"{key}": {write(item)}' for key, item in entries]
    except (TypeError, ValueError) as error:
        raise StateError(
            f"cannot write {path}: {error}",
            "This is a defect of cosmovisor; please report it with this text.",
        ) from error
    durable.write_file(path, ("{\n" + ",\n".join(lines) + "\n}\n").encode())
    return state


def archive(path: str, values: tuple[object, ...]) -> None:
    """Append values to a file of JSON lines, leaving out those that a cut let us write already.

    Raises:
        OSError: As the system says.
    """
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
            known = set(file.read().splitlines())
    except FileNotFoundError:
        known = set()
    for item in values:
        line = light_json.dumps(codec.encode(item)).encode()
        if line not in known:
            durable.append_line(path, line)


def _bytes(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            data = file.read(SIZE_LIMIT + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StateError(f"cannot read {path}: {error.strerror}", _way_on(path, error)) from error
    if len(data) > SIZE_LIMIT:
        raise DamagedError(f"{path} is larger than {SIZE_LIMIT} bytes", _REBUILD)
    return data


def _way_on(path: str, error: OSError) -> str:
    if error.errno in {errno.ELOOP, errno.EISDIR, errno.ENOTDIR}:
        return (
            f"No file can be read there: move it away (mv {path} {path}.aside); a start rebuilds the record."
        )
    return f"Make it readable for the user who runs the node: ls -l {path}"


def _decode(path: str, data: bytes) -> State:
    document = _object(path, data)
    try:
        state: State = codec.decode(State, document)
    except ValueError as error:
        raise DamagedError(f"{path} is damaged: {error}", _REBUILD) from error
    return state


def _object(path: str, data: bytes) -> dict[str, object]:
    try:
        document = light_json.loads(data)
    except ValueError as error:
        raise DamagedError(f"{path} is damaged: {error}", _REBUILD) from error
    if not isinstance(document, dict):
        raise DamagedError(f"{path} is damaged: it holds no JSON object", _REBUILD)
    schema = document.get("schema")
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise DamagedError(f"{path} is damaged: it has no schema number", _REBUILD)
    if schema > SCHEMA:
        raise StateError(
            f"{path} was written by a newer cosmovisor (schema {schema}, this one knows {SCHEMA})",
            f"Run the newer cosmovisor; to start without the record, move it away: mv {path} {path}.newer",
        )
    return document


def _rebuilt(path: str, error: DamagedError) -> Loaded:
    aside = f"{path}.damaged-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}"
    while os.path.lexists(aside):
        aside += "x"
    state, saved = _rescued(path)
    try:
        durable.move(path, aside)
    except OSError as problem:
        raise StateError(
            f"{error.cause}, and it cannot be moved aside: {problem.strerror}",
            f"Make {os.path.dirname(path)} writable.",
        ) from problem
    notes = [f"{error.cause}; moved to {aside} and rebuilt: a step in flight, if there was one, is lost"]
    if saved:
        notes.append(f"taken over from the damaged document: {', '.join(saved)}")
    return Loaded(state, tuple(notes), found=False)


def _rescued(path: str) -> tuple[State, list[str]]:
    """Take over what no folder can tell and is whole by itself: a lost sign-state record lowers a guard."""
    state = EMPTY
    saved: list[str] = []
    try:
        data = _bytes(path)
        document = _object(path, data or b"")
    except StateError:
        return state, saved
    for name in ("sign_states", "schedule", "backups"):
        if document.get(name):
            try:
                part: State = codec.decode(State, {"schema": SCHEMA, name: document[name]})
            except ValueError:
                continue
            state = replace(state, **{name: getattr(part, name)})
            saved.append(name.replace("_", " "))
    return state, saved
