"""Skills read from folders: as they are now, by headers first, and each harmed by nothing but itself."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from skills.loader import folder as loading
from skills.loader.folder import Folder
from skills.loader.library import BadSkill, Library, NoSkill
from tests.skill_folders import replace, settle, write_skill
from tests.stalls import until


@pytest.fixture(autouse=True)
def files_settle_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of a second is many ticks of this machine's file systems."""
    monkeypatch.setattr(loading, "SETTLED_NS", 10**8)


def names(library: Library) -> list[str]:
    return sorted(library.listing().skills)


def test_a_skill_is_loaded_with_its_body_and_digest(tmp_path: Path) -> None:
    write_skill(tmp_path, "aria-health", tags="health", body="Look.\n")
    skill = Library([Folder(tmp_path)]).get("aria-health")
    assert (skill.header.tags, skill.body, len(skill.digest)) == (("health",), "Look.\n", 64)


def test_a_body_is_not_read_until_its_skill_is_used(tmp_path: Path) -> None:
    file = write_skill(tmp_path, "a")
    with file.open("ab") as opened:
        opened.write(b"x" * 20_000 + b"\xff")
    library = Library([Folder(tmp_path)])
    assert names(library) == ["a"]
    with pytest.raises(BadSkill, match="its body is not UTF-8"):
        library.get("a")


def test_a_skill_that_is_edited_is_given_out_new_at_once(tmp_path: Path) -> None:
    file = write_skill(tmp_path, "a", body="Old.\n")
    library = Library([Folder(tmp_path)])
    settle(tmp_path)
    old = library.get("a")
    assert library.get("a") is old
    replace(file, file.read_text().replace("Old", "New"))
    assert library.get("a").body == "New.\n"
    for number in range(50):  # within one tick of the file system's clock, of the same length, in place
        file.write_text(file.read_text()[:-4] + f"{number:03}\n")
        assert library.get("a").body.endswith(f"{number:03}\n")
    assert library.get("a").digest != old.digest


def test_a_skill_that_comes_or_goes_is_listed_so_within_a_second(tmp_path: Path) -> None:
    write_skill(tmp_path, "a")
    library = Library([Folder(tmp_path)])
    assert names(library) == ["a"]
    write_skill(tmp_path, "b", description="Another.")
    (tmp_path / "a" / "SKILL.md").unlink()
    time.sleep(0.6)
    assert names(library) == ["b"]
    with pytest.raises(NoSkill):
        library.get("a")


def test_who_does_not_wait_gets_what_is_known_and_a_thread_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_skill(tmp_path, "a")
    library = Library([Folder(tmp_path)])
    assert list(library.listing(wait=False).skills) == ["a"], "only the first look is waited for"
    write_skill(tmp_path, "b")
    time.sleep(0.6)
    look, may_look = Folder._look, threading.Event()
    monkeypatch.setattr(Folder, "_look", lambda self: (may_look.wait(10), look(self))[1])
    assert list(library.listing(wait=False).skills) == ["a"]
    may_look.set()
    until(lambda: list(library.listing(wait=False).skills) == ["a", "b"])
    assert library.listing() is library.listing(), "the same while nothing is another"


def test_what_was_loaded_makes_room_for_what_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "KEPT_BYTES", 3_000)
    for name in "abc":
        write_skill(tmp_path, name, body="x" * 1_400)
    settle(tmp_path)
    library = Library([Folder(tmp_path)])
    first, _, last = library.get("a"), library.get("b"), library.get("c")
    assert library.get("c") is last
    assert library.get("a") is not first


def test_of_two_roots_the_first_gives_a_name_and_a_broken_one_hides_it(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for root, body in ((one, "One."), (two, "Two.")):
        write_skill(root, "a", body=body)
        write_skill(root, "b", body=body)
    (one / "b" / "SKILL.md").write_text("No header.")
    write_skill(two, "c", body="Two.")
    library = Library([Folder(one), Folder(two), Folder(tmp_path / "three")])
    assert (library.get("a").body, library.get("c").body) == ("One.", "Two.")
    with pytest.raises(BadSkill, match="does not begin with a line of three hyphens"):
        library.get("b")
    assert names(library) == ["a", "c"]
    assert [(broken.name, broken.root) for broken in library.listing().broken] == [("b", "one"), ("", "three")]


def test_files_of_a_skill_are_named_and_given_on_demand(tmp_path: Path) -> None:
    write_skill(tmp_path, "a")
    (tmp_path / "a" / "references").mkdir()
    (tmp_path / "a" / "references" / "more.md").write_bytes(b"More.\xff")
    (tmp_path / "a" / ".env").write_text("KEY=canary")
    library = Library([Folder(tmp_path)])
    assert library.paths("a") == ["references/more.md"]
    assert library.file("a", "references/more.md").content == b"More.\xff"
    with pytest.raises(NoSkill):
        library.file("a", "references/none.md")
    with pytest.raises(NoSkill):
        library.file("none", "references/more.md")


def test_many_threads_get_one_skill_while_it_is_replaced_and_each_a_whole_one(tmp_path: Path) -> None:
    file = write_skill(tmp_path, "a", body="0" * 20_000)
    text, library = file.read_text(), Library([Folder(tmp_path)])
    wrong: list[str] = []
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            body = library.get("a").body
            if len(body) != 20_000 or len(set(body)) != 1:
                wrong.append(body[:20])

    readers = [threading.Thread(target=look) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(60):
        replace(file, text.replace("0" * 20_000, str(number % 10) * 20_000))
    stop.set()
    for reader in readers:
        reader.join()
    assert wrong == []
