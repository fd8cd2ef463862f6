"""The configuration file: bytes to keys and values."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

#: Larger files are not configuration files of this program.
LARGEST = 1024 * 1024


class FileError(ValueError):
    """The file cannot be read or is not TOML; the text says where."""


def read(path: str) -> dict[str, object]:
    """Read a flat TOML (or JSON) file; keys are lower-cased, since the Go tool matches them in any case.

    Raises:
        FileError: Not there, not readable, too large, or not TOML.
    """
    try:
        with open(path, "rb", buffering=0) as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror}") from None
    if len(data) > LARGEST:
        raise FileError(f"cannot read {path}: it is larger than {LARGEST} bytes")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise FileError(f"cannot read {path}: it is not UTF-8 text") from None
    found = simple(text)
    if found is None:
        found = _json(path, text) if path.lower().endswith(".json") else _toml(path, text)
    return {key.lower(): item for key, item in found.items()}


def simple(text: str) -> dict[str, object] | None:
    """Read what `init` writes, without the TOML library, whose import costs more than `run` may take.

    Returns:
        None where the text holds anything but `key = 'text'`, `key = 12`, `key = true` and comments: then the
        library decides.
    """
    found: dict[str, object] = {}
    for raw in text.replace("\r\n", "\n").split("\n"):
        line = raw.strip(" \t")
        if not line or line[0] == "#":
            if _has_control(line):
                return None
            continue
        key, equals, item = line.partition("=")
        key, item = key.rstrip(" \t"), item.strip(" \t")
        if not equals or not key.isascii() or not key.replace("_", "").isalnum() or key in found:
            return None
        if item in {"true", "false"}:
            found[key] = item == "true"
        elif item.isascii() and item.isdigit() and len(item) < 20 and (item[0] != "0" or item == "0"):
            found[key] = int(item)
        elif (
            len(item) >= 2 and item[0] == item[-1] == "'" and "'" not in item[1:-1] and not _has_control(item)
        ):
            found[key] = item[1:-1]
        else:
            return None
    return found


def write(items: Mapping[str, object]) -> str:
    """Write a file as the Go tool does: flat, strings in single quotes, durations as nanoseconds."""
    lines = []
    for key, item in items.items():
        if isinstance(item, bool):
            shown = "true" if item else "false"
        elif isinstance(item, int):
            shown = str(item)
        else:
            text = str(item)
            shown = f"'{text}'" if "'" not in text and not _has_control(text) else _basic(text)
        lines.append(f"{key} = {shown}\n")
    return "".join(lines)


def _has_control(text: str) -> bool:
    return not text.isprintable()


def _basic(text: str) -> str:
    """Write a TOML basic string."""
    import json

    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _toml(path: str, text: str) -> dict[str, object]:
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FileError(f"cannot read {path}: {error}") from None
    except (RecursionError, ValueError):
        raise FileError(f"cannot read {path}: it is not TOML") from None


def _json(path: str, text: str) -> dict[str, object]:
    import json

    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FileError(f"cannot read {path}: {error}") from None
    if not isinstance(found, dict):
        raise FileError(f"cannot read {path}: it holds no keys")
    return found
