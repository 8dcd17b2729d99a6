"""Which sentences bind: constraints, decisions, what is still to do; and which say nothing but yes. Pure.

By words, without a model, and of English. So what a user says is kept in words whatever its language, and only what the
model said beside its calls is sifted by these.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_MOST, _OVERLAP = 1_000, 200  # characters of one sentence, and of it once more where it is longer
_SENTENCE = re.compile(r"(?<=[.!?\u3002\uff01\uff1f])\s+|\n+")


class Cue:
    """A pattern, and small letters of which some are in whatever ASCII text it finds something in (`words`, with bars
    between them): these are looked for first, which is faster."""

    def __init__(self, words: str, pattern: str) -> None:
        self.words, self.pattern = words.split("|"), re.compile(pattern, re.IGNORECASE)

    def is_in(self, text: str) -> bool:
        """Whether a text has it."""
        return self._may_be_in(text, self.words) and self.pattern.search(text) is not None

    def among(self, lines: Sequence[str]) -> Iterator[str]:
        """The lines that have it."""
        whole = "\n".join(lines).lower()
        met = [word for word in self.words if word in whole]
        if met or not whole.isascii():
            yield from (line for line in lines if self._may_be_in(line, met) and self.pattern.search(line))

    def _may_be_in(self, text: str, words: Sequence[str]) -> bool:
        if not text.isascii():
            return True
        small = text.lower()
        return any(word in small for word in words)


CONSTRAINT = Cue(
    "must|never|always|not|n't|only|without|keep|leave|avoid|forbidden|frozen|longer|except|unless|most|least|"
    "than|requir|constraint|deadline|budget|important|careful|sure|away|limits|hands|untouched",
    r"\b(?:must(?:n['’]t)?|never|always|(?:do|does|should|may|can|shall|will)(?: not|n['’]t)|cannot|"
    r"only (?:if|when|after|with|use|in)|"
    r"without (?:asking|changing|touching|breaking)|keep (?:the|it|all|its)|leave (?:the|it|all)|avoid|forbidden|"
    r"leave .{1,80} (?:alone|as|untouched|unchanged|out)|keep .{1,40} (?:as|below|above|under|out)|read[- ]only|frozen|"
    r"not allowed|no longer|except|unless|at (?:most|least)|no (?:more|less|fewer|later|earlier) than|"
    r"required?|requirement|constraint|"
    r"deadline|budget|important|careful|make sure|ensure|stay away|off[- ]limits|hands off|untouched)\b",
)
DECISION = Cue(
    "deci|chos|choos|picked|settle|going with|go with|went with|agree|opt for|opted for|instead of|"
    "rather than|in favo|prefer|conclu|the plan is|we'll|we will|approach|reason|root cause|turns out|because|"
    "trade|ruled out|rejected|confirmed",
    r"\b(?:decid(?:e|ed|ing)|decision|chose|chosen|choose|choosing|picked|settled? (?:on|for)|"
    r"going with|go with|went with|"
    r"agreed|agree to|opt(?:ed)? for|instead of|rather than|in favou?r of|prefer(?:red)?|conclu(?:de|ded|sion)|"
    r"the plan is|we(?:['’]ll| will) (?:use|keep|go|do|have|not)|approach|reason (?:is|was)|root cause|turns out|"
    r"because|trade-?off|ruled out|rejected|confirmed)\b",
)
TODO = Cue(
    "todo|to-do|fixme|action item|next step|remain|still|left to|need to|needs to|have to|has to|yet to|"
    "follow|open|pending|later we|afterwards|remember to|forget|blocked|waiting|monday|tuesday|wednesday|"
    "thursday|friday|tomorrow",
    r"\b(?:to-?do|fixme|action items?|next steps?|remaining|remains|still (?:need|have|has|to|open|missing)|"
    r"(?:left|needs?|have|has|yet) to (?:be )?\w+|follow[- ]up|open (?:question|point|item)s?|pending|later we|"
    r"afterwards|remember to|"
    r"don['’]t forget|blocked (?:by|on)|waiting (?:for|on)|by (?:monday|tuesday|wednesday|thursday|friday|tomorrow))\b",
)
ERROR = Cue(
    "error|exception|fatal|fail|traceback|panic|denied|refused|cannot|timed out|not found|no such file|exit",
    r"\b(?:\w*(?:Error|Exception)\b|error|fatal|fail(?:ed|ure|s)?|traceback|panic|denied|refused|cannot|timed out|"
    r"not found|no such file|exit(?:ed with)? (?:code|status)[ :=]+[1-9])",
)
_EMPTY = re.compile(
    r"(?:(?:ok(?:ay)?|k|yes|yep|yeah|sure|right|good|great|nice|cool|perfect|thanks?(?: you)?|thx|ty|got it|understood|"
    r"sounds good|looks good|lgtm|fine|done|go ahead|go on|continue|proceed|please|do it|carry on|next|"
    r"very|much|so|that|works|well|alright|excellent|awesome)[\s.,!…-]*)+",
    re.IGNORECASE,
)


def sentences(text: str) -> list[str]:
    """The sentences and lines of a text, none of them empty; a very long one is cut into pieces that overlap."""
    whole = (piece.strip() for piece in _SENTENCE.split(text))
    return [piece[at : at + _MOST] for piece in whole for at in range(0, len(piece), _MOST - _OVERLAP)]


def constrains(sentence: str) -> bool:
    """Whether it says what must or must not be."""
    return CONSTRAINT.is_in(sentence)


def decides(sentence: str) -> bool:
    """Whether it says what was chosen, and why."""
    return DECISION.is_in(sentence)


def remains(sentence: str) -> bool:
    """Whether it says what is still to do."""
    return TODO.is_in(sentence)


def fails(line: str) -> bool:
    """Whether it says that something went wrong."""
    return ERROR.is_in(line)


def binds(sentence: str) -> bool:
    """Whether a sentence is kept in words: it constrains, decides, or says what is to do."""
    return constrains(sentence) or decides(sentence) or remains(sentence)


def is_empty(text: str) -> bool:
    """Whether it says nothing but yes and thanks."""
    return len(text) <= _MOST and _EMPTY.fullmatch(text.strip()) is not None


def question(text: str) -> str:
    """The last sentence of a text, where it asks something."""
    last = sentences(text)[-1:]
    return last[0] if last and last[0].endswith("?") else ""
