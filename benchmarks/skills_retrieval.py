"""Does a task find its skill? 174 tasks and 40 skills that we wrote, beside overlapping tags and plain BM25.

`benchmarks/retrieval/` holds the tasks, 40 of which no skill fits, and 30 skills beside those of the catalogue. Each
task belongs to one half by the digest of its words; floors and weights were set on the half `tune`. Run it with
`make bench-skills-retrieval`.

Bars, on the half `held`: Hit@1 and Hit@5 ≥ 1.05 times those of BM25; of the tasks of which nothing is said, 0.7 and
more have no skill. Anchors are computed in the same run.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks import harness
from skills import frontmatter
from skills.matching.index import Index, entry
from skills.matching.match import match, rank
from skills.matching.words import is_common

SET = Path(__file__).with_name("retrieval")
CATALOGUE = Path(frontmatter.__file__).with_name("catalogue")
_WORD = re.compile(r"\w+")
Ranker = Callable[[str], list[str]]


@dataclass(frozen=True, slots=True)
class Task:
    """What is asked, the skills of which any is right, none where none is, and the half that it belongs to."""

    task: str
    skills: tuple[str, ...]
    part: str


@dataclass(frozen=True, slots=True)
class Hits:
    """Of tasks that have a skill, the share for which a right one comes first, and among the first five."""

    hit_1: float
    hit_5: float


@dataclass(frozen=True, slots=True)
class Answered:
    """With abstention: of what is returned, how much is right; of tasks of which nothing is said, how many have no
    skill; and of those that have none, of how many nothing is said."""

    precision: float
    abstention_precision: float
    abstention_recall: float


def catalogue() -> list[dict[str, Any]]:
    """The ten skills that come with TLOI, as `entry` takes them."""
    found = []
    for folder in sorted(CATALOGUE.iterdir()):
        raw = (folder / "SKILL.md").read_bytes()
        header, place = frontmatter.cut(raw)
        said = frontmatter.read(header, folder=folder.name)
        found.append(
            {"name": said.name, "tags": said.tags, "description": said.description, "body": raw[place:].decode()}
        )
    return found


@cache
def skills() -> tuple[dict[str, Any], ...]:
    """All forty."""
    return (*catalogue(), *json.loads((SET / "skills.json").read_text("utf-8")))


@cache
def _index() -> Index:
    return Index([entry(**skill) for skill in skills()])


def tasks_of(part: str) -> list[Task]:
    """The tasks of one half."""
    told = json.loads((SET / "tasks.json").read_text("utf-8"))
    return [Task(one["task"], tuple(one["skills"]), one["part"]) for one in told if one["part"] == part]


def by_tags(task: str) -> list[str]:
    """Skills by how many of their tags are words of the task."""
    words = set(_plain(task))
    counts = [(len(words & set(skill["tags"])), skill["name"]) for skill in skills()]
    return [name for count, name in sorted(counts, key=lambda one: -one[0]) if count]


@cache
def _documents() -> tuple[Counter[str], ...]:
    return tuple(
        Counter(_plain(" ".join([one["name"], *one["tags"], one["description"], one["body"]]))) for one in skills()
    )


def by_bm25(task: str) -> list[str]:
    """Skills by BM25 with its usual numbers, over all of their text as one."""
    documents = _documents()
    mean = sum(document.total() for document in documents) / len(documents)
    found = []
    for skill, document in zip(skills(), documents, strict=True):
        score = 0.0
        for word in _plain(task):
            having = sum(word in other for other in documents)
            rarity = math.log(1 + (len(documents) - having + 0.5) / (having + 0.5))
            score += rarity * document[word] * 2.5 / (document[word] + 1.5 * (0.25 + 0.75 * document.total() / mean))
        if score:
            found.append((-score, skill["name"]))
    return [name for _, name in sorted(found)]


def by_ours(task: str) -> list[str]:
    """Skills as the registry ranks them, without abstaining."""
    return [one.name for one in rank(_index(), task)[0]]


RANKERS: dict[str, Ranker] = {"tags": by_tags, "bm25": by_bm25, "ours": by_ours}


def judged_by(name: str, tasks: Sequence[Task]) -> Hits:
    """How a ranker does."""
    fitting = [(task, RANKERS[name](task.task)[:5]) for task in tasks if task.skills]
    first = sum(bool(found) and found[0] in task.skills for task, found in fitting)
    any_of_five = sum(bool({*found} & {*task.skills}) for task, found in fitting)
    return Hits(round(first / len(fitting), 3), round(any_of_five / len(fitting), 3))


def judge(tasks: Sequence[Task]) -> Answered:
    """How the registry's answers do, with abstention."""
    told = [(task, [one.name for one in match(_index(), task.task).matches]) for task in tasks]
    returned = [name in task.skills for task, names in told for name in names]
    silent = [not task.skills for task, names in told if not names]
    without = sum(not task.skills for task in tasks)
    return Answered(
        round(sum(returned) / len(returned), 3), round(sum(silent) / len(silent), 3), round(sum(silent) / without, 3)
    )


def main() -> None:
    """Three JSON lines, of the half that nothing was tuned on."""
    tasks = tasks_of("held")
    ours, beside = judged_by("ours", tasks), {name: judged_by(name, tasks) for name in ("bm25", "tags")}
    plain = {f"{name}_{what}": value for name, hits in beside.items() for what, value in asdict(hits).items()}
    sizes = {"tasks": len(tasks), "without_a_skill": sum(not one.skills for one in tasks), "skills": len(skills())}
    harness.report("skills-hit-1", ours.hit_1 / beside["bm25"].hit_1, at_least=1.05, ours=ours.hit_1, **plain, **sizes)
    harness.report("skills-hit-5", ours.hit_5 / beside["bm25"].hit_5, at_least=1.05, ours=ours.hit_5, **plain, **sizes)
    answered = asdict(judge(tasks))
    harness.report("skills-abstention", answered.pop("abstention_precision"), at_least=0.7, **answered)


def _plain(text: str) -> list[str]:
    return [word for word in _WORD.findall(text.lower()) if not is_common(word)]


if __name__ == "__main__":
    main()
