"""What is left behind when a request is carried to another protocol, and what cannot be left. Pure."""

from __future__ import annotations

from routing.wire.bodies import Body


class CannotCarry(ValueError):
    """A request that needs what cannot be said to this provider. `field` names it."""

    def __init__(self, field: str) -> None:
        super().__init__(f"`{field}` cannot be carried to this provider.")
        self.field = field


class Luggage:
    """The names of what was dropped, each once, in the order in which it was met."""

    __slots__ = ("_names",)

    def __init__(self) -> None:
        self._names: dict[str, None] = {}

    def drop(self, name: str) -> None:
        """Leave this behind, and say so."""
        self._names[name] = None

    def drop_rest(self, body: Body, carried: frozenset[str]) -> None:
        """Leave behind every field of a request that is set and was not carried."""
        for name, value in body.items():
            if name not in carried and value is not None and value is not False and value != [] and value != {}:
                self._names[name] = None

    def refuse(self, body: Body, needed: tuple[str, ...]) -> None:
        """Raise CannotCarry for the first of these fields that is set."""
        for name in needed:
            if body.get(name):
                raise CannotCarry(name)

    @property
    def names(self) -> tuple[str, ...]:
        """What was left behind."""
        return tuple(self._names)
