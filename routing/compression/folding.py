"""The oldest steps, folded into notes: where to cut, what that would save, and the cut itself. Pure."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate, pairwise

from msgspec import Struct

from routing.compression import blobs, block
from routing.compression.blobs import Blob, Folded, History
from routing.compression.notes import taken
from routing.compression.policy import Edit, Policy
from routing.compression.state import Fold, Notes, State
from routing.compression.steps import fingerprint, unmarked
from routing.compression.view import Count, Meter, View
from routing.wire.bodies import Body


class Cut(Struct, frozen=True):
    """What would be sent if the messages up to `end` were folded."""

    end: int
    fold: Fold
    rendered: list[Body]
    blobs: tuple[Blob, ...]
    edit: Edit


def cut_place(view: View, policy: Policy, meter: Meter) -> int:
    """Before which message to cut, so that the last steps stay: at least `keep_steps`, and as many as have room in
    `keep_tokens`. At or before `view.behind` there is nothing to fold."""
    before = list(accumulate(meter.each(view.messages), initial=0))  # tokens, before each place
    foldable = max(0, len(view.free) - 1 - max(1, policy.keep_steps))  # steps
    most = before[-1] - policy.keep_tokens
    found = bisect_left(view.free, most, hi=foldable, key=before.__getitem__)
    return view.free[found] if found else 0


def cut(view: View, end: int, state: State, policy: Policy, *, kept: int, meter: Meter, count: Count) -> Cut:
    """Fold what stands before `end`. The provider has kept the first `kept` messages."""
    free = [place for place in view.free if view.behind <= place <= end]
    steps = list(pairwise(free))
    notes = taken(
        state.fold.notes if state.fold else Notes(),
        (view.said[start:stop] for start, stop in steps),
        is_long=lambda text: count(text) > policy.said_tokens,
    )
    folded = [
        blobs.blob("steps", Folded([unmarked(one) for one in view.messages[start:stop]], view.holes(start, stop)))
        for start, stop in steps
    ]
    before = state.fold.history if state.fold else ""
    history = blobs.blob("history", History(before, tuple(one.sha256 for one in folded)))
    text = block.written(notes, history.sha256)
    pinned = [at for at in range(view.head, end) if view.said[at].is_pinned]
    rendered = block.messages(text, [view.messages[at] for at in pinned], view.said[end].role)
    came = view.came[view.head : end + view.shift]
    return Cut(
        end=end,
        fold=Fold(len(came), fingerprint(came), text, len(pinned), notes, history.sha256),
        rendered=rendered,
        blobs=(*folded, history),
        edit=Edit(
            removed=meter.of(view.messages[view.head : end]) - meter.of(rendered),
            rewritten=meter.of(rendered) + meter.of(view.messages[end:kept]),
        ),
    )


def apply(view: View, made: Cut) -> None:
    """Send the notes in place of what they stand for."""
    view.messages[view.head : made.end] = made.rendered
