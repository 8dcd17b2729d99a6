"""Readers of environment variables that fail loudly, and the one list of settings that a user may set.

Every `TLOI_*` name, and the three server addresses, is declared here once with its default and its meaning;
`docs/configuration.md` is held to this list by a test.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


class BadSetting(ValueError):
    """A setting has a value that cannot be used; the text is one sentence for the person who set it."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One environment variable: its name, its default as a user would write it, and what it does."""

    name: str
    default: str
    meaning: str


SETTINGS = (
    Setting("DATABASE_URL", "", "PostgreSQL 15 or newer; unset: a private PostgreSQL is started"),
    Setting("DATABASE_REPLICA_URL", "", "a streaming replica of it, which pages are read from; unset: none is"),
    Setting("REDIS_URL", "", "the broker; must never evict; unset: a private Valkey is started"),
    Setting("CACHE_URL", "", "the cache; may evict; unset: a private Valkey is started"),
    Setting("TLOI_DATA_DIR", ".tloi", "where private servers, keys and collected files live"),
    Setting("TLOI_HOST", "127.0.0.1", "address that the web server listens on"),
    Setting("TLOI_PORT", "8000", "port that the web server listens on"),
    Setting("TLOI_GATEWAY_PORT", "8001", "port that the model gateway listens on, at the same address"),
    Setting(
        "TLOI_PUBLIC_URL", "", "address people use, when it is not http://HOST:PORT; an https one makes cookies secure"
    ),
    Setting("TLOI_ALLOWED_HOSTS", "", "more host names, by comma, that the web server answers to"),
    Setting("TLOI_SECRET_KEY", "", "signs sessions; unset: a random one is kept in the data folder"),
    Setting("TLOI_STATIC_DIR", "", "where collected static files live; unset: in the data folder"),
    Setting("TLOI_WEB_WORKERS", "0", "web processes; 0: one a core, two at least"),
    Setting("TLOI_WEB_THREADS", "4", "threads in each web process"),
    Setting("TLOI_RATE_LIMIT", "30000", "requests a minute that one API key may make; 0: no limit"),
    Setting("TLOI_BACKUP_DIR", "", "folder that a backup is written to each day; unset: none is"),
    Setting("TLOI_BACKUP_KEEP", "7", "backups that are kept in that folder"),
    Setting(
        "TLOI_RETENTION_DAYS",
        "",
        "days for which calls are kept, 2 at least; sums stay; unset: all calls stay",
    ),
    Setting(
        "TLOI_LEAST_FREE_MB",
        "250",
        "MB that the disk of the private PostgreSQL must have left for records to be taken, else 503; 0: no limit",
    ),
    Setting(
        "ALERTING_WEBHOOK_URL", "", "every project's alerts are posted there as JSON, the demo's aside; unset: nowhere"
    ),
    Setting("ALERTING_WEBHOOK_SECRET", "", "signs what is posted there; unset: it is not signed"),
    Setting("SLACK_WEBHOOK_URL", "", "every project's alerts are posted to this Slack webhook; unset: nowhere"),
    Setting(
        "TLOI_SMTP_URL", "", "mail server of alerts by e-mail, smtp:// (starttls=1 may follow) or smtps://; unset: none"
    ),
    Setting("TLOI_MAIL_FROM", "", "who alerts by e-mail are from; unset: nothing is mailed"),
    Setting(
        "TLOI_ALLOW_PRIVATE_WEBHOOKS",
        "",
        "host:port of webhooks, by comma, that may be on a private network, and speak plain http",
    ),
    Setting(
        "TLOI_UPSTREAM_HOSTS",
        "openrouter.ai,api.openai.com,api.anthropic.com,api.moonshot.ai,api.deepseek.com,api.mistral.ai,api.groq.com",
        "hosts, by comma, that the gateway may ask for models, by https only",
    ),
    Setting(
        "TLOI_ALLOW_PRIVATE_UPSTREAM",
        "127.0.0.1:8080,127.0.0.1:11434,127.0.0.1:1234",
        "host:port of model servers, by comma, that may be on a private network, and speak plain http",
    ),
    Setting(
        "TLOI_LOCAL_MODEL",
        "",
        "folder or Hugging Face name of a model that `tloi up` serves by mlx_lm.server as the lowest tier; unset: none",
    ),
    Setting("TLOI_LOCAL_MODEL_PORT", "8080", "port that this server listens on, on 127.0.0.1"),
    Setting("TLOI_SECOND_SAMPLE", "0", "1: ask a free tier twice where whether its answers agree decides who is asked"),
    Setting(
        "TLOI_AUDIT_PERCENT", "0", "of the answers that passed the gate, how many a higher tier is asked of as well"
    ),
    Setting("TLOI_AUDIT_USD_A_DAY", "1", "US dollars that this may cost in a UTC day"),
    Setting(
        "TLOI_SKILL_ROOTS",
        "catalogue",
        "folders of skills, by comma, the first of which that has a name gives it out; catalogue: the ten of TLOI",
    ),
    Setting("TLOI_TRUST_PROXY", "0", "1: believe X-Forwarded-Proto and X-Forwarded-For of a proxy in front"),
    Setting("TLOI_DEBUG", "0", "1: Django's debug pages, on 127.0.0.1 only"),
)
ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}
_DEFAULTS = {setting.name: setting.default for setting in SETTINGS}


def text(name: str) -> str:
    """The value of a declared setting, or its default; KeyError for a name that is not declared."""
    return os.environ.get(name, "").strip() or _DEFAULTS[name]


def integer(name: str, *, low: int, high: int) -> int:
    """A whole number in [low, high]. Raises BadSetting."""
    value = text(name)
    if not value.lstrip("-").isdigit() or not low <= int(value) <= high:
        raise BadSetting(f"{name} is {value!r}, but must be a whole number from {low} to {high}.")
    return int(value)


def optional_integer(name: str, *, low: int, high: int) -> int | None:
    """As `integer`; None where the setting is unset. Raises BadSetting."""
    return integer(name, low=low, high=high) if text(name) else None


def flag(name: str) -> bool:
    """1/true/yes/on or 0/false/no/off. Raises BadSetting."""
    value = text(name).lower()
    if value in ("1", "true", "yes", "on"):
        return True
    if value in ("0", "false", "no", "off"):
        return False
    raise BadSetting(f"{name} is {value!r}, but must be 1 or 0.")


def words(name: str) -> list[str]:
    """The parts of a comma-separated value."""
    return [part.strip() for part in text(name).split(",") if part.strip()]


def data_dir() -> Path:
    """TLOI_DATA_DIR as an absolute path; it need not exist yet."""
    return Path(text("TLOI_DATA_DIR")).expanduser().absolute()


def backup_dir() -> Path | None:
    """TLOI_BACKUP_DIR; None: no backups are taken by themselves. Raises BadSetting for a path that means another folder
    for each process."""
    named = text("TLOI_BACKUP_DIR")
    folder = Path(named).expanduser()
    if named and not folder.is_absolute():
        raise BadSetting(f"TLOI_BACKUP_DIR is {named!r}, but must be a whole path, such as /srv/backups/tloi.")
    return folder if named else None


def skill_roots() -> tuple[str, ...]:
    """TLOI_SKILL_ROOTS: whole paths, and the word `catalogue`. Raises BadSetting for a path that means another folder
    for each process."""
    named = [str(Path(word).expanduser()) if word.startswith("~") else word for word in words("TLOI_SKILL_ROOTS")]
    for word in named:
        if word != "catalogue" and not Path(word).is_absolute():
            raise BadSetting(f"TLOI_SKILL_ROOTS names {word!r}, but must have whole paths, such as /srv/skills.")
    return tuple(named)


def local_model() -> str:
    """TLOI_LOCAL_MODEL, a folder as its whole path, for it is also the name by which the model is asked; "" where none
    is set."""
    named = text("TLOI_LOCAL_MODEL")
    folder = Path(named).expanduser()
    return str(folder.absolute()) if named and folder.is_dir() else named


def broker_url() -> str:
    """Where the broker is."""
    return text("REDIS_URL") or "redis://127.0.0.1:6379/0"


def address() -> str:
    """The address that people use, or where this machine finds the web server."""
    return text("TLOI_PUBLIC_URL").rstrip("/") or local_address()


def local_address() -> str:
    """Where this machine finds the web server."""
    return _here(integer("TLOI_PORT", low=1, high=65535))


def gateway_address() -> str:
    """Where this machine finds the model gateway."""
    return _here(integer("TLOI_GATEWAY_PORT", low=1, high=65535))


def _here(port: int) -> str:
    host = ANY.get(text("TLOI_HOST"), text("TLOI_HOST"))
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
