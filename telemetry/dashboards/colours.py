"""Which colour a name bears: Okabe and Ito's eight, told apart by colour-blind readers too, and grey for the rest.

A name's colour follows from its hash, so it is the same on every page and in every range; two names that want the
same colour at the same time are settled by the hash as well. Pure. The palette: Okabe & Ito, "Color Universal Design",
2008. `static/tokens.css` bears the same slots once for each theme.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

PALETTE = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#000000")
OTHER_SLOT = 0
OTHER_COLOUR = "#8a939c"


def colour(slot: int) -> str:
    """The colour of a slot, 1 to 8; anything else is grey."""
    return PALETTE[slot - 1] if 1 <= slot <= len(PALETTE) else OTHER_COLOUR


def slots(names: Iterable[str], settled: Mapping[str, int] | None = None) -> dict[str, int]:
    """A slot from 1 to 8 for each of at most eight names, whatever their order; more names get OTHER_SLOT.

    Names that are `settled` keep their slots, so that filtering a page does not recolour what is left.
    """
    wanted = set(names)
    taken = {name: slot for name, slot in (settled or {}).items() if name in wanted}
    for name in sorted(wanted - taken.keys(), key=_digest):
        free = [slot for slot in _wishes(name) if slot not in taken.values()]
        taken[name] = free[0] if free else OTHER_SLOT
    return taken


def _wishes(name: str) -> list[int]:
    """Every slot, in the order in which `name` would like to have it."""
    first = _digest(name)[0] % len(PALETTE)
    return [(first + step) % len(PALETTE) + 1 for step in range(len(PALETTE))]


def _digest(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()
