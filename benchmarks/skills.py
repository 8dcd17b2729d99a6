"""Ten thousand skills: what a load takes beside reading the same file, what a match takes, and what is left unloaded.

Bars: `skills-load-warm` ≤ 1 and `skills-load-cold` ≤ 5 times `open().read()` of the same SKILL.md, both p99 of 3,000
skills, each the least of three, in turns in one process, its pages in the system's cache. Cold: the skill is loaded
as if for the first time; warm: it was loaded before and is looked at again. `skills-match`: p99 of a match as a share
of 100 ms; bar ≤ 1. It goes through the registry, so that looking over all files again, twice a second, is part of it.
`skills-context`: tokens of the skills that 134 tasks of `benchmarks/retrieval` get beside those of all forty; no bar
but what is told: detail has both.

A skill is one of the forty with 150 words more, of a vocabulary of 20,000 drawn as words are in texts (Zipf, seed 5).
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tloi_site.settings")
django.setup()

from benchmarks import harness
from benchmarks.skills_retrieval import skills, tasks_of
from skills.loader.folder import SETTLED_NS, Folder
from skills.loader.library import Library
from skills.matching.index import Index, entry
from skills.matching.match import match
from skills.registry import Registry
from telemetry import facade

SKILLS, LOADS, MATCHES = 10_000, 3_000, 600
MATCH_MS = 100.0
VOCABULARY, WORDS = 20_000, 150
ROUNDS = 3


def main() -> None:
    """Four JSON lines."""
    with tempfile.TemporaryDirectory(prefix="tloi-skills-") as folder:
        root = Path(folder)
        names = write(root)
        time.sleep(SETTLED_NS / 10**9 + 0.1)
        loads(root, names)
        matches(root)
    context()


def write(root: Path) -> list[str]:
    """The skills; their names."""
    random = Random(5)
    vocabulary = ["".join(random.choices("abdegiklmnoprstuv", k=random.randint(4, 10))) for _ in range(VOCABULARY)]
    weights = [1 / place for place in range(1, VOCABULARY + 1)]
    names = []
    for number in range(SKILLS):
        one = skills()[number % len(skills())]
        name = f"{one['name']}-{number}"
        more = " ".join(random.choices(vocabulary, weights, k=WORDS))
        header = (
            f"name: {name}\ndescription: {json.dumps(one['description'])}\nmetadata:\n  tags: {', '.join(one['tags'])}"
        )
        (root / name).mkdir()
        (root / name / "SKILL.md").write_text(f"---\n{header}\n---\n{one['body']}\n{more}\n")
        names.append(name)
    return names


def loads(root: Path, names: list[str]) -> None:
    """Cold and warm, beside reading."""
    library = Library([Folder(root)])
    began = time.perf_counter()
    library.listing()
    listed_s = time.perf_counter() - began
    some = Random(7).sample(names, LOADS)
    for name in some:
        read(root, name)
    cold, warm, plain = [], [], []
    for name in some:
        plain.append(least(lambda: read(root, name)))  # noqa: B023 (it is called here)
        cold.append(least(lambda: library.get(name, keep=False)))  # noqa: B023
        library.get(name)
        warm.append(least(lambda: library.get(name)))  # noqa: B023
    for what, times, bar in (("cold", cold, 5.0), ("warm", warm, 1.0)):
        harness.report(
            f"skills-load-{what}",
            p99(times) / p99(plain),
            at_most=bar,
            p99_us=round(p99(times) * 1e6, 1),
            median_us=round(statistics.median(times) * 1e6, 1),
            read_p99_us=round(p99(plain) * 1e6, 1),
            read_median_us=round(statistics.median(plain) * 1e6, 1),
            listed_s=round(listed_s, 2),
        )


def matches(root: Path) -> None:
    """Tasks of the set, one after the other, some of which look over all files again."""
    registry = Registry(Library([Folder(root)]))
    tasks = [task.task for part in ("tune", "held") for task in tasks_of(part)]
    began = time.perf_counter()
    registry.suggest(tasks[0], history={})
    made_s = time.perf_counter() - began
    times = [timed(lambda: registry.suggest(tasks[n % len(tasks)], history={})) for n in range(MATCHES)]  # noqa: B023
    harness.report(
        "skills-match",
        p99(times) * 1e3 / MATCH_MS,
        at_most=1.0,
        p99_ms=round(p99(times) * 1e3, 1),
        median_ms=round(statistics.median(times) * 1e3, 1),
        made_s=round(made_s, 1),
        skills=SKILLS,
    )


def context() -> None:
    """What enters a context, by the set's own skills."""
    tokens = {one["name"]: facade.count_text(one["body"]) for one in skills()}
    index = Index([entry(**one) for one in skills()])
    tasks = [task for part in ("tune", "held") for task in tasks_of(part) if task.skills]
    got = [sum(tokens[one.name] for one in match(index, task.task).matches) for task in tasks]
    every = sum(tokens.values())
    harness.report(
        "skills-context", statistics.mean(got) / every, mean_tokens=round(statistics.mean(got)), all_tokens=every
    )


def read(root: Path, name: str) -> str:
    """What a plain reader does."""
    with open(f"{root}/{name}/SKILL.md", encoding="utf-8") as file:  # noqa: PTH123 (this is what is measured beside)
        return file.read()


def timed(call: Callable[[], object]) -> float:
    """The seconds that a call takes."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def least(call: Callable[[], object]) -> float:
    """The seconds that a call takes when nothing else is in its way: the least of ROUNDS."""
    return min(timed(call) for _ in range(ROUNDS))


def p99(times: list[float]) -> float:
    """What 99 of 100 stay below."""
    return sorted(times)[int(len(times) * 0.99)]


if __name__ == "__main__":
    main()
