"""Frozen value classes that cost nothing to import.

The standard library's dataclasses import `inspect`, `re` and `ast`: half of the time that `run` may take
before the node starts. What a value needs of them is small: an `__init__` from the annotations, equality,
a hash, a readable `repr` and `replace`. Type checkers see an ordinary frozen dataclass.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar, dataclass_transform

    T = TypeVar("T")

    @dataclass_transform(frozen_default=True)
    def value(cls: type[T]) -> type[T]:
        """Declare a frozen value class from its annotations."""
        return cls

else:
    from _operator import itemgetter

    def value(cls):
        """Declare a frozen value class from its annotations."""
        names = []
        for base in reversed(cls.__mro__[:-1]):
            for name in base.__dict__.get("__annotations__", ()):
                if name not in names:
                    names.append(name)
        defaults = {name: getattr(cls, name) for name in names if hasattr(cls, name)}
        cls.__fields__ = cls.__match_args__ = names = tuple(names)
        known, count = frozenset(names), len(names)
        pick = itemgetter(*names) if names else lambda _: ()

        def __init__(self, *args, **given):
            own = self.__dict__
            own.update(defaults)
            if args:
                own.update(zip(names, args, strict=False))
                if given or len(args) > count:
                    check_places(args, given)
            own.update(given)
            if len(own) != count or (given and not known.issuperset(given)):
                complain(own)

        def check_places(args, given):
            if len(args) > count:
                raise TypeError(f"{cls.__name__} takes {count} fields, not {len(args)}")
            for name in names[: len(args)]:
                if name in given:
                    raise TypeError(f"{cls.__name__} has no field {name!r} left to set")

        def complain(own):
            for name in own:
                if name not in known:
                    raise TypeError(f"{cls.__name__} has no field {name!r} left to set")
            missing = next(name for name in names if name not in own)
            raise TypeError(f"{cls.__name__} needs the field {missing!r}")

        def __setattr__(self, name, _):
            raise AttributeError(f"{cls.__name__} is frozen: {name} cannot be set")

        def __delattr__(self, name):
            raise AttributeError(f"{cls.__name__} is frozen: {name} cannot be deleted")

        def __eq__(self, other):
            return self.__dict__ == other.__dict__ if other.__class__ is self.__class__ else NotImplemented

        def __hash__(self):
            return hash((cls, pick(self.__dict__)))

        def __repr__(self):
            return f"{cls.__name__}({', '.join(f'{name}={self.__dict__[name]!r}' for name in names)})"

        for function in (__init__, __setattr__, __delattr__, __eq__, __hash__, __repr__):
            if function.__name__ not in cls.__dict__ or function.__name__ == "__init__":
                setattr(cls, function.__name__, function)
        return cls


if TYPE_CHECKING:

    def replace(instance: T, **changes: Any) -> T:
        """Return a copy of a value with some fields changed."""
        raise AssertionError

    def fields(kind: Any) -> tuple[str, ...]:
        """Return the field names of a value or of a value class, in order."""
        raise AssertionError

else:

    def replace(instance, **changes):
        """Return a copy of a value with some fields changed."""
        copy = instance.__class__.__new__(instance.__class__)
        own = copy.__dict__
        own.update(instance.__dict__)
        count = len(own)
        own.update(changes)
        if len(own) != count:
            name = next(name for name in changes if name not in instance.__dict__)
            raise TypeError(f"{instance.__class__.__name__} has no field {name!r} left to set")
        return copy

    def fields(kind):
        """Return the field names of a value or of a value class, in order."""
        return kind.__fields__
