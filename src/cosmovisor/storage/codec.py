"""Values of the model to plain JSON values and back, after their annotations.

Understood are `int`, `float`, `str`, `bool`, value classes, `X | None`, `tuple[X, ...]`, unions of value
classes (written with the class name under `kind`) and the words of a `Literal` that is declared for type
checkers only.
"""

from __future__ import annotations

import sys

from cosmovisor.model.value import fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Decoder = Callable[[Any], Any]

_WORDS = {
    "Strength": ("exact", "at least", "unknown"),
    "Stage": ("none", "switched", "pre-upgraded", "proven"),
    "StepKind": ("backup", "script", "switch", "pre-upgrade", "go back"),
    "Kind": ("absent", "incomplete", "plan"),
    "Age": ("fresh", "old", "ahead", "stale"),
    "Progress": ("moving", "still", "still longer"),
    "LinkKind": ("genesis", "version", "missing", "dangling", "foreign"),
}
_MAX_ITEMS = 100_000
#: What JSON has by itself.
_PLAIN = frozenset({None.__class__, bool, int, float, str})
_known: dict[Any, dict[str, tuple[str, Any]]] = {}
_decoders: dict[Any, dict[str, Decoder]] = {}
_unions: dict[Any, frozenset[str]] = {}


def encode(item: Any) -> Any:
    """Return the JSON form of a value; fields that have their default are written too."""
    kind = item.__class__
    if kind in _PLAIN:
        return item
    if kind is tuple or kind is list:
        return [encode(each) for each in item]
    unions = _unions.get(kind)
    if unions is None:
        unions = _unions[kind] = frozenset(
            name for name, annotation in declared(kind).items() if len(_classes(annotation)) > 1
        )
    result, own = {}, item.__dict__
    for name in kind.__fields__:
        each = own[name]
        entry: Any = each if each.__class__ in _PLAIN else encode(each)
        if name in unions and entry is not None:
            entry = {"kind": each.__class__.__name__, **entry}
        result[name] = entry
    return result


def decode(kind: Any, item: Any) -> Any:
    """Return the value of this class that the JSON form stands for.

    Raises:
        ValueError: The form does not fit the class; the text names the field.
    """
    if not isinstance(item, dict):
        raise ValueError(f"{kind.__name__} should be an object")  # noqa: TRY004  one error for every misfit
    decoders = _decoders.get(kind)
    if decoders is None:
        decoders = _decoders[kind] = {name: _decoder(*where) for name, where in _annotations(kind).items()}
    given = {}
    for name, decoder in decoders.items():
        if name in item:
            try:
                given[name] = decoder(item[name])
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
    try:
        return kind(**given)
    except TypeError as error:
        raise ValueError(str(error)) from None


def declared(kind: Any) -> dict[str, str]:
    """Return the annotation of each field of a value class, as written."""
    return {name: annotation for name, (annotation, _) in _annotations(kind).items()}


def resolve(kind: Any, name: str) -> Any:
    """Return the value class that an annotation of `kind` names, or the words of a `Literal`."""
    module = sys.modules[kind.__module__]
    return _WORDS[name] if name in _WORDS else getattr(module, name)


def _annotations(kind: Any) -> dict[str, tuple[str, Any]]:
    found = _known.get(kind)
    if found is None:
        found = {}
        for name in fields(kind):
            for base in kind.__mro__:
                own = vars(base).get("__annotations__", {})
                if name in own:
                    found[name] = (own[name], sys.modules[base.__module__])
                    break
        _known[kind] = found
    return found


def _classes(annotation: str) -> list[str]:
    if "[" in annotation:
        return [annotation]
    return [part for part in annotation.split(" | ") if part != "None"]


def _decoder(annotation: str, module: Any) -> Decoder:
    """Return what makes a field of its JSON form; the annotation is taken apart once."""
    if annotation.endswith(" | None"):
        inner = _decoder(annotation[: -len(" | None")], module)
        return lambda item: None if item is None else inner(item)
    if annotation.startswith("tuple["):
        inner = _decoder(annotation[len("tuple[") : -len(", ...]")], module)
        return lambda item: _many(inner, item)
    choices = _classes(annotation)
    if len(choices) > 1:
        kinds = {name: getattr(module, name) for name in choices}
        return lambda item: _one_of(kinds, annotation, item)
    words = _WORDS.get(annotation)
    if annotation.startswith("Literal["):
        words = tuple(annotation[len("Literal[") : -1].replace('"', "").replace("'", "").split(", "))
    if words is not None:
        return lambda item: _word(words, item)
    if annotation in {"int", "str", "bool", "float"}:
        return lambda item: _plain(annotation, item)
    kind = getattr(module, annotation)
    return lambda item: decode(kind, item)


def _many(inner: Decoder, item: Any) -> tuple[Any, ...]:
    if not isinstance(item, list) or len(item) > _MAX_ITEMS:
        raise ValueError("should be a list")
    return tuple([inner(each) for each in item])


def _one_of(kinds: dict[str, Any], annotation: str, item: Any) -> Any:
    name = item.get("kind") if isinstance(item, dict) else None
    if name not in kinds:
        raise ValueError(f"should be one of {annotation}")
    return decode(kinds[name], item)


def _word(words: tuple[str, ...], item: Any) -> Any:
    if item not in words:
        raise ValueError(f"{item!r} is none of {', '.join(words)}")
    return item


def _plain(annotation: str, item: Any) -> Any:
    kind = item.__class__.__name__
    if kind != annotation and not (annotation == "float" and kind == "int"):
        raise ValueError(f"should be {annotation}, not {kind}")
    if annotation == "float":
        try:
            item = float(item)
        except OverflowError:
            raise ValueError("is too large") from None
        if item - item != 0:
            raise ValueError("is not finite")
    return item
