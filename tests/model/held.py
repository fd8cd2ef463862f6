"""Values that are kept once: equal ones are one object, so that a state is compared by identity and nothing is lost.

The machine's values are deep; hashing them for every state is most of what a search would cost, and a hash alone can
take two states for one. Here every value is brought to one canonical object by all its fields, compared in full.
A `Held` is compared by identity, which is then as strict as comparing the values, and as cheap as a number.
"""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from cosmovisor.decide import commands, events
from cosmovisor.decide.machine import Machine
from cosmovisor.model.state import FileInstance, State
from cosmovisor.model.value import replace

_PLAIN = frozenset({int, float, str, bool, type(None)})
#: A file's modification time is a logical time in these nanoseconds, a record's in these seconds.
UNIT = 10
NANO = UNIT * 10**9
INSTANCES = ("spawned", "ahead", "stale", "written")


class Held:
    """One canonical value.

    Attributes:
        value: It, with canonical parts.
        times: Its logical times, one bit each.
    """

    __slots__ = ("times", "value")

    def __init__(self, value: Any) -> None:
        self.value = value
        self.times = _times(value)


class Store:
    """All values of one search."""

    def __init__(self) -> None:
        self._by_id: dict[int, Held] = {}
        self._by_key: dict[tuple[Any, ...], Held] = {}
        self._pick: dict[type, Any] = {}
        self._relabelled: dict[tuple[Held, int], Held] = {}

    def hold(self, value: Any) -> Held:
        """Return the one `Held` of a value (of the machine's classes, or a tuple of such)."""
        found = self._by_id.get(id(value))
        if found is not None:
            return found
        kind = value.__class__
        if kind is tuple:
            parts = value
        else:
            pick = self._pick.get(kind)
            if pick is None:
                names = kind.__fields__
                pick = self._pick[kind] = itemgetter(*names) if len(names) > 1 else _single(names)
            parts = pick(value.__dict__)
        # Held parts stand in the key for themselves; they can never equal a plain part.
        key = (kind, *[part if part.__class__ in _PLAIN else self.hold(part) for part in parts])
        found = self._by_key.get(key)
        if found is None:
            found = self._by_key[key] = Held(self._rebuilt(kind, key[1:]))
            self._by_id[id(found.value)] = found
        return found

    @staticmethod
    def _rebuilt(kind: type, parts: tuple[Any, ...]) -> Any:
        """Return the value with canonical parts."""
        own = [part.value if part.__class__ is Held else part for part in parts]
        if kind is tuple:
            return tuple(own)
        copy = kind.__new__(kind)
        copy.__dict__.update(zip(kind.__fields__, own, strict=True))  # type: ignore[attr-defined]
        return copy

    def relabelled(self, held: Held, mask: int) -> Held:
        """Return a value with each logical time replaced by its rank in `mask`."""
        if not held.times:
            return held
        found = self._relabelled.get((held, mask))
        if found is None:
            found = self._relabelled[held, mask] = self.hold(_relabel(held.value, mask))
        return found


def _single(names: tuple[str, ...]) -> Any:
    return lambda own: tuple(own[name] for name in names)


def rank(time: int, mask: int) -> int:
    """Return the place of a logical time among those of a mask, from 1."""
    return (mask & ((1 << time) - 1)).bit_count()


# -- logical times: bit t-1 stands for time t ------------------------------------------------------------------


def bits(times: Any) -> int:
    """Return times as a mask."""
    mask = 0
    for time in times:
        mask |= 1 << time - 1
    return mask


def _times(value: Any) -> int:
    """Return the logical times in a value."""
    kind = value.__class__
    if kind is State:
        return bits(one.ctime_ns for name in INSTANCES if (one := getattr(value, name)) is not None)
    if kind is Machine:
        return _times(value.state) | (0 if value.seen is None else _seen_times(value.seen))
    if kind is commands.Save:
        return _times(value.state)
    if kind is events.FactsGathered:
        return _seen_times(value.seen)
    return 0


def _seen_times(seen: Any) -> int:
    mask = bits(int(at) // UNIT for _, at in seen.record_times)
    identity = seen.file.identity
    return mask if identity is None else mask | bits((identity.ctime_ns, identity.mtime_ns // NANO))


def _relabel(value: Any, mask: int) -> Any:
    kind = value.__class__
    if kind is State:
        changes = {
            name: FileInstance(one.inode, rank(one.ctime_ns, mask))
            for name in INSTANCES
            if (one := getattr(value, name)) is not None
        }
        return replace(value, **changes)
    if kind is Machine:
        seen = None if value.seen is None else _relabel_seen(value.seen, mask)
        return replace(value, state=_relabel(value.state, mask), seen=seen)
    if kind is commands.Save:
        return replace(value, state=_relabel(value.state, mask))
    return replace(value, seen=_relabel_seen(value.seen, mask))


def _relabel_seen(seen: Any, mask: int) -> Any:
    file = seen.file
    if file.identity is not None:
        ctime, mtime = file.identity.ctime_ns, file.identity.mtime_ns // NANO
        identity = replace(file.identity, ctime_ns=rank(ctime, mask), mtime_ns=rank(mtime, mask) * NANO)
        file = replace(file, identity=identity)
    records = tuple((height, float(rank(int(at) // UNIT, mask) * UNIT)) for height, at in seen.record_times)
    return replace(seen, file=file, record_times=records)
