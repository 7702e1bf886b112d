"""Data classes that cost next to nothing until the first one of a class is made.

The decorator of the standard library writes and compiles six functions for every class at import, and reads signatures
for a docstring; that was a third of the time of a warm scan. This one takes the same arguments and behaves the same in
what Sophia uses of it: `frozen`, `slots`, `eq`, `order`, `field`, `__post_init__`, inheritance, `ClassVar`. It knows no
`InitVar` and no keyword-only fields. Type checkers see the original; `dataclasses.fields`, `asdict` and `replace` take
its instances.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
    from dataclasses import field as field
    from dataclasses import replace as replace
else:
    from operator import attrgetter, ge, gt, le, lt
    from reprlib import recursive_repr

    _MISSING = object()

    class _Field:
        """What a class says of one field."""

        __slots__ = ("compare", "default", "factory", "repr")

        def __init__(self, default, factory, compare, repr):
            self.default, self.factory, self.compare, self.repr = default, factory, compare, repr

    def field(*, default=_MISSING, default_factory=_MISSING, compare=True, repr=True):
        """Describe a field, as `dataclasses.field` does."""
        return _Field(default, default_factory, compare, repr)

    def dataclass(*, frozen=False, slots=False, eq=True, order=False):
        """Make a class one of values; see `dataclasses.dataclass`."""

        def decorate(cls):
            return _made(cls, frozen, slots, eq, order)

        return decorate

    def replace(instance, /, **changes):
        """Return a copy with other values; raise TypeError for a name that is no field."""
        for name in instance.__value_fields__:
            if name not in changes:
                changes[name] = getattr(instance, name)
        return instance.__class__(**changes)

    class _StandardFields:
        """`__dataclass_fields__`, worked out when the standard library asks for it."""

        __slots__ = ()

        def __get__(self, instance, owner):
            from dataclasses import field, make_dataclass

            rows = []
            for name, own in owner.__value_fields__.items():
                given = {"default": own.default} if own.default is not _MISSING else {}
                given |= {"default_factory": own.factory} if own.factory is not _MISSING else {}
                rows.append((name, object, field(compare=own.compare, repr=own.repr, **given)))
            owner.__dataclass_fields__ = made = make_dataclass(owner.__name__, rows).__dataclass_fields__
            return made

    _STANDARD_FIELDS = _StandardFields()

    def _made(cls, frozen, slots, eq, order):
        fields = {}
        for base in cls.__mro__[-1:0:-1]:
            fields.update(base.__dict__.get("__value_fields__", ()))
        own = [name for name, kind in cls.__annotations__.items() if not str(kind).startswith(_CLASS_VARIABLES)]
        for name in own:
            fields[name] = _described(name, cls.__dict__.get(name, _MISSING))
        compared = tuple(name for name, each in fields.items() if each.compare)
        added = {
            "__value_fields__": fields,
            "__value_key__": _getter(compared),
            "__dataclass_fields__": _STANDARD_FIELDS,
            "__match_args__": tuple(fields),
            "__repr__": _repr,
        }
        if eq:
            added["__eq__"] = _eq
        if order:
            added |= _ORDER
        if frozen and slots:
            added |= {"__getstate__": _getstate, "__setstate__": _setstate}
        for name in cls.__dict__.keys() & added.keys():
            del added[name]
        if frozen:
            added |= {"__setattr__": _refuse_to_set, "__delattr__": _refuse_to_delete}
        if eq and (cls.__dict__.get("__hash__") is None):
            added["__hash__"] = _hash if frozen else None
        made = _with_slots(cls, fields, own, added) if slots else _without_slots(cls, own, added)
        if "__init__" not in cls.__dict__:
            made.__init__ = _init_at_first_use(made, frozen, slots)
        return made

    _CLASS_VARIABLES = ("ClassVar", "typing.ClassVar")

    def _described(name, given):
        if isinstance(given, _Field):
            return given
        if given is not _MISSING and given.__class__.__hash__ is None:
            raise ValueError(f"mutable default {type(given)} of field {name}: use default_factory")
        return _Field(given, _MISSING, compare=True, repr=True)

    def _getter(names):
        """Return the function from an instance to the tuple of these fields."""
        if len(names) > 1:
            return attrgetter(*names)
        if not names:
            return staticmethod(lambda _: ())
        only = attrgetter(names[0])
        return staticmethod(lambda instance: (only(instance),))

    def _with_slots(cls, fields, own, added):
        """Return the class once more, with slots: they cannot be added to one that exists."""
        namespace = dict(cls.__dict__)
        for name in ("__dict__", "__weakref__", *own):
            namespace.pop(name, None)
        taken = {name for base in cls.__mro__[1:] for name in base.__dict__.get("__slots__", ())}
        namespace.update(added, __slots__=tuple(name for name in own if name not in taken))
        made = type(cls)(cls.__name__, cls.__bases__, namespace)
        made.__qualname__ = cls.__qualname__
        return made

    def _without_slots(cls, own, added):
        for name in own:
            if isinstance(given := cls.__dict__.get(name), _Field):
                delattr(cls, name)
                if given.default is not _MISSING:
                    setattr(cls, name, given.default)
        for name, value in added.items():
            setattr(cls, name, value)
        return cls

    def _init_at_first_use(cls, frozen, slots):
        def __init__(self, *args, **kwargs):
            cls.__init__ = written = _written_init(cls, frozen, slots)
            written(self, *args, **kwargs)

        return __init__

    def _written_init(cls, frozen, slots):
        """Write and compile `__init__`.

        Slots of a frozen class are set through their descriptors, the fastest way past its own `__setattr__`.
        """
        known = {"_missing": _MISSING, "_set": object.__setattr__}
        parameters, lines = ["self"], []
        for name, each in cls.__value_fields__.items():
            value = name
            if each.factory is not _MISSING:
                known[f"_make_{name}"] = each.factory
                parameters.append(f"{name}=_missing")
                value = f"_make_{name}() if {name} is _missing else {name}"
            elif each.default is not _MISSING:
                known[f"_default_{name}"] = each.default
                parameters.append(f"{name}=_default_{name}")
            else:
                parameters.append(name)
            if not frozen:
                lines.append(f"self.{name} = {value}")
            elif slots:
                known[f"_set_{name}"] = getattr(cls, name).__set__
                lines.append(f"_set_{name}(self, {value})")
            else:
                lines.append(f"_set(self, {name!r}, {value})")
        if hasattr(cls, "__post_init__"):
            lines.append("self.__post_init__()")
        body = "\n ".join(lines or ["pass"])
        exec(f"def __init__({', '.join(parameters)}):\n {body}", known)
        init = known["__init__"]
        init.__qualname__ = f"{cls.__qualname__}.__init__"
        init.__module__ = cls.__module__
        return init

    @recursive_repr()
    def _repr(self):
        shown = (f"{name}={getattr(self, name)!r}" for name, each in self.__value_fields__.items() if each.repr)
        return f"{self.__class__.__qualname__}({', '.join(shown)})"

    def _eq(self, other):
        if other.__class__ is not self.__class__:
            return NotImplemented
        key = self.__value_key__
        return key(self) == key(other)

    def _ordered_by(compare):
        def ordered(self, other):
            if other.__class__ is not self.__class__:
                return NotImplemented
            return compare(self.__value_key__(self), self.__value_key__(other))

        return ordered

    _ORDER = {
        "__lt__": _ordered_by(lt),
        "__le__": _ordered_by(le),
        "__gt__": _ordered_by(gt),
        "__ge__": _ordered_by(ge),
    }

    def _hash(self):
        return hash(self.__value_key__(self))

    def _getstate(self):
        return [getattr(self, name) for name in self.__value_fields__]

    def _setstate(self, state):
        for name, value in zip(self.__value_fields__, state, strict=True):
            object.__setattr__(self, name, value)

    def _refuse_to_set(self, name, value):
        from dataclasses import FrozenInstanceError

        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def _refuse_to_delete(self, name):
        from dataclasses import FrozenInstanceError

        raise FrozenInstanceError(f"cannot delete field {name!r}")
