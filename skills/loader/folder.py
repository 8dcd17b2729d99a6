"""One root: skills listed by their headers, and a body read when it is asked for, again whenever its file is another.

What was read is kept beside the stamp of its file, and given again while that is the same, which costs two looks at the
file system and no reading. A file that was changed within two seconds before it was read is not trusted to have another
stamp when it changes once more: clocks of file systems have ticks. It is read again until it is older.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from skills import frontmatter
from skills.contracts import Broken, Header, Listed, Listing, Skill, SkillFile
from skills.frontmatter import MOST_NAME, NAME, BadHeader
from skills.loader import opening
from skills.loader.opening import Missing, Refused, Stamp

MAIN = "SKILL.md"
MOST_SKILL_BYTES = 256 * 2**10
MOST_FILE_BYTES = 2**20
MOST_SKILLS = 20_000  # of one root
MOST_FILES = 200  # of one skill that are named
KEPT_BYTES = 32 * 2**20  # of bodies, of one root
LOOKED_AFTER_S = 0.5  # a listing is looked over again after so long
SETTLED_NS = 2 * 10**9


@dataclass(frozen=True, slots=True)
class _Kept:
    """A skill as it was read. `inner` says which folder it lay in."""

    skill: Skill
    stamp: Stamp
    inner: tuple[int, int, int]
    is_settled: bool


class Folder:
    """Of one process; any thread may ask. `hard_links`: files may have other names, since nobody but us made them."""

    def __init__(self, path: Path, *, hard_links: bool = False) -> None:
        self.path = str(path)
        self.label = path.name
        self._hard_links = hard_links
        self._headers: dict[str, tuple[bytes, Header]] = {}
        self._kept: dict[str, _Kept] = {}
        self._kept_bytes = 0
        self._listed: dict[str, tuple[Stamp, bool, Listed | Broken]] = {}
        self._listing = Listing({})
        self._looked_at = float("-inf")
        self._keeping, self._looking = threading.Lock(), threading.Lock()

    def get(self, name: str, *, keep: bool = True) -> Skill:
        """A skill as it is now; it is kept for the next who asks, unless nobody will. Raises Missing, Refused."""
        kept = self._kept.get(name)
        if kept is not None and kept.is_settled and self._is_same(name, kept):
            return kept.skill
        root = opening.open_root(self.path)
        try:
            return self._load(root, name, keep=keep)
        finally:
            os.close(root)

    def file(self, name: str, path: str) -> SkillFile:
        """A file beside a SKILL.md. Raises Missing, Refused."""
        parts = opening.parts_of(path)
        root = opening.open_root(self.path)
        try:
            content, _ = opening.read(root, (name, *parts), most=MOST_FILE_BYTES, hard_links=self._hard_links)
        finally:
            os.close(root)
        return SkillFile(path=path, content=content, digest=hashlib.sha256(content).hexdigest())

    def paths(self, name: str) -> list[str]:
        """The files beside a SKILL.md that could be asked for. Raises Missing, Refused."""
        root = opening.open_root(self.path)
        try:
            return [path for path in opening.below(root, name, most=MOST_FILES) if path != MAIN]
        finally:
            os.close(root)

    def listing(self, *, wait: bool = True) -> Listing:
        """What the root holds, as it was LOOKED_AFTER_S ago at most: the same object while that is the same. Who does
        not `wait` gets what is known, and a thread looks; only the first look is waited for."""
        if time.monotonic() - self._looked_at < LOOKED_AFTER_S:
            return self._listing
        if wait or self._looked_at == float("-inf"):
            return self._look_again()
        if not self._looking.locked():
            threading.Thread(target=self._look_again, name="skill-look", daemon=True).start()
        return self._listing

    def _look_again(self) -> Listing:
        with self._looking:
            if time.monotonic() - self._looked_at >= LOOKED_AFTER_S:
                found = self._look()
                self._listing = self._listing if found == self._listing else found
                self._looked_at = time.monotonic()
            return self._listing

    def _is_same(self, name: str, kept: _Kept) -> bool:
        """Whether the folder and the file are those that were read. The path may lead elsewhere by now; what lies there
        is not read, and only the very same file has the stamp."""
        inner = f"{self.path}/{name}"
        try:
            return _inner(os.lstat(inner)) == kept.inner and opening.stamp_of(os.lstat(f"{inner}/{MAIN}")) == kept.stamp
        except OSError:
            return False

    def _load(self, root: int, name: str, *, keep: bool) -> Skill:
        began = time.time_ns()
        try:
            inner = _inner(os.stat(name, dir_fd=root, follow_symlinks=False))
        except (OSError, ValueError):
            raise Missing from None
        raw, stamp = opening.read(root, (name, MAIN), most=MOST_SKILL_BYTES, hard_links=self._hard_links)
        try:
            header, place = self._header(name, raw)
            body = raw[place:].decode()
        except BadHeader as error:
            raise Refused(str(error)) from None
        except UnicodeDecodeError:
            raise Refused("its body is not UTF-8") from None
        if "\0" in body:
            raise Refused("its body holds a NUL, so that it is no text")
        digest = hashlib.sha256(raw).hexdigest()
        skill = Skill(header=header, body=body, digest=digest, size=len(raw), root=self.label)
        if keep:
            self._keep(name, _Kept(skill, stamp, inner, _is_settled(stamp, began)))
        return skill

    def _header(self, name: str, raw: bytes) -> tuple[Header, int]:
        """The header, read anew only where it is another than before. Raises BadHeader."""
        said, place = frontmatter.cut(raw)
        known = self._headers.get(name)
        if known is None or known[0] != said:
            known = self._headers[name] = said, frontmatter.read(said, folder=name)
        return known[1], place

    def _keep(self, name: str, new: _Kept) -> None:
        """Keep what was read; what was read first makes room for it."""
        with self._keeping:
            old = self._kept.pop(name, None)
            self._kept[name] = new
            self._kept_bytes += new.skill.size - (old.skill.size if old else 0)
            while self._kept_bytes > KEPT_BYTES:
                first = next(iter(self._kept))
                self._kept_bytes -= self._kept.pop(first).skill.size

    def _look(self) -> Listing:
        """Go through the root, and read the headers of files that are others than before."""
        try:
            root = opening.open_root(self.path)
        except Missing:
            return Listing({}, (Broken("", self.label, "there is no such folder, or it may not be read"),))
        try:
            with os.scandir(root) as entries:
                named = sorted(
                    (entry.name, entry.is_symlink()) for entry in islice(entries, MOST_SKILLS) if _counts(entry)
                )
            listed = {name: one for name, is_link in named if (one := self._one(root, name, is_link=is_link))}
        finally:
            os.close(root)
        self._listed = listed
        self._headers = {name: header for name, header in self._headers.items() if name in listed}
        ones = {name: one for name, (_, _, one) in listed.items()}
        return Listing(
            {name: one for name, one in ones.items() if isinstance(one, Listed)},
            tuple(one for one in ones.values() if isinstance(one, Broken)),
        )

    def _one(self, root: int, name: str, *, is_link: bool) -> tuple[Stamp, bool, Listed | Broken] | None:
        """What a folder of the root holds; None where that is no SKILL.md."""
        try:
            stamp = opening.stamp_of(os.stat(f"{name}/{MAIN}", dir_fd=root, follow_symlinks=False))
        except (OSError, ValueError):
            return None
        known = self._listed.get(name)
        if known is not None and known[0] == stamp and known[1] and not is_link:
            return known
        began = time.time_ns()
        try:
            header, stamp = self._read_header(root, name, is_link=is_link)
        except Missing:
            return None
        except (Refused, BadHeader) as error:
            return stamp, _is_settled(stamp, began), Broken(_printable(name), self.label, str(error))
        listed = Listed(header=header, root=self.label, size=stamp[2], stamp=stamp)
        return stamp, _is_settled(stamp, began), listed

    def _read_header(self, root: int, name: str, *, is_link: bool) -> tuple[Header, Stamp]:
        """Raises Missing, Refused, BadHeader."""
        if is_link:
            raise Refused("a link; make what it leads to a root of its own")
        if not NAME.fullmatch(name) or len(name) > MOST_NAME:
            raise Refused("a folder whose name is not of lower-case letters, digits and single hyphens")
        links, first = self._hard_links, frontmatter.MOST_BYTES
        raw, stamp = opening.read(root, (name, MAIN), most=MOST_SKILL_BYTES, hard_links=links, first=first)
        return self._header(name, raw)[0], stamp


def _inner(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_dev, found.st_ino, found.st_mode


def _is_settled(stamp: Stamp, began_ns: int) -> bool:
    return max(stamp[3], stamp[4]) < began_ns - SETTLED_NS


def _counts(entry: os.DirEntry[str]) -> bool:
    """Whether it may be a skill: a folder, or a link, of which is said why it is none."""
    return not entry.name.startswith(".") and (entry.is_symlink() or entry.is_dir(follow_symlinks=False))


def _printable(name: str) -> str:
    return "".join(letter if letter.isprintable() else "�" for letter in name[:MOST_NAME])
