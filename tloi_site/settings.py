"""Django settings. What a user may set is declared in `env.py`; this file only turns it into Django's words."""

from __future__ import annotations

import importlib.util
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import django_stubs_ext

from tloi_site import env

django_stubs_ext.monkeypatch()  # lets admin classes name their model's type
BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = env.data_dir()
PUBLIC_URL = env.text("TLOI_PUBLIC_URL").rstrip("/")
DEBUG = env.flag("TLOI_DEBUG")
if DEBUG and env.text("TLOI_HOST") not in ("127.0.0.1", "localhost", "::1"):
    raise env.BadSetting("TLOI_DEBUG=1 shows secrets to everybody who can reach TLOI_HOST; use 127.0.0.1.")


def _secret_key() -> str:
    """TLOI_SECRET_KEY, else the one kept in the data folder, else (nothing runs yet) one for this process."""
    kept = DATA_DIR / "secret-key"
    return env.text("TLOI_SECRET_KEY") or (kept.read_text().strip() if kept.exists() else secrets.token_urlsafe(50))


def _database(name: str, url: str) -> dict[str, Any]:
    """Django's database settings of a `postgresql://user:password@host:port/name` address, which `name` is set to."""
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql"):
        raise env.BadSetting(f"{name} must begin with postgresql://; TLOI keeps its data in PostgreSQL.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "tloi",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,  # else each pooled connection fails once after PostgreSQL was restarted
        "OPTIONS": {
            "pool": {
                "min_size": 0,
                "max_size": 2 * env.integer("TLOI_WEB_THREADS", low=1, high=64),
                "timeout": 5,
                "max_idle": 60,  # seconds; each that nobody uses is up to 10 MB of PostgreSQL's
                "reconnect_timeout": 10,  # then a request tries at once; until then attempts are ever further apart
            },
            "options": "-c timezone=UTC -c lock_timeout=10s -c idle_in_transaction_session_timeout=60s",
            "application_name": "tloi",
            "connect_timeout": 5,
            "prepare_threshold": 3,  # for cursors of telemetry.statements; Django's own prepare nothing
        },
    }


def _replica(url: str) -> dict[str, Any]:
    """The same of a replica: nothing can be written, and nobody waits long for one that is away."""
    database = _database("DATABASE_REPLICA_URL", url)
    options = database["OPTIONS"]
    options["pool"] |= {"timeout": 1}
    options["options"] += " -c default_transaction_read_only=on"
    options |= {"connect_timeout": 2, "tcp_user_timeout": 5_000}
    return database


def _mail_server(url: str) -> dict[str, Any] | None:
    """Host, port, login and encryption of a `smtp://user:password@host:port?starttls=1` or smtps:// address."""
    if not url:
        return None
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    if parts.scheme not in ("smtp", "smtps") or not host or parts.query not in ("", "starttls=1", "starttls=0"):
        raise env.BadSetting("TLOI_SMTP_URL must look like smtp://user:password@host:587?starttls=1 or smtps://host.")
    return {
        "host": host,
        "port": port or (465 if parts.scheme == "smtps" else 587 if parts.query == "starttls=1" else 25),
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "encryption": "tls" if parts.scheme == "smtps" else "starttls" if parts.query == "starttls=1" else "",
    }


def _postgres_folders() -> list[Path]:
    """Where the private PostgreSQL keeps its data, and its log where a person moved that to another disk; empty where
    DATABASE_URL names another server."""
    password, data = DATA_DIR / "postgres-password", DATA_DIR / "postgres"
    if not password.exists() or password.read_text().strip() != DATABASES["default"]["PASSWORD"]:
        return []
    return [data, log] if (log := data / "pg_wal").is_symlink() else [data]


SECRET_KEY = _secret_key()
DATABASES = {"default": _database("DATABASE_URL", env.text("DATABASE_URL") or "postgresql://tloi@127.0.0.1:5432/tloi")}
if env.text("DATABASE_REPLICA_URL"):
    DATABASES["replica"] = _replica(env.text("DATABASE_REPLICA_URL"))
POSTGRES_FOLDERS = _postgres_folders()
LEAST_FREE_BYTES = env.integer("TLOI_LEAST_FREE_MB", low=0, high=10**9) * 2**20
BROKER_URL = env.broker_url()
CACHE_URL = env.text("CACHE_URL") or "redis://127.0.0.1:6379/1"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": CACHE_URL,
        "OPTIONS": {
            "serializer": "tloi_site.cache.JsonSerializer",
            "socket_connect_timeout": 0.5,
            "socket_timeout": 0.5,
        },
    }
}

_public_host = urlsplit(PUBLIC_URL).hostname
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", *env.words("TLOI_ALLOWED_HOSTS")]
ALLOWED_HOSTS += [_public_host] if _public_host else []
ALLOWED_HOSTS += [env.text("TLOI_HOST")] if env.text("TLOI_HOST") not in ("0.0.0.0", "::") else []
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if PUBLIC_URL else []

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "telemetry",
    "skills",
    "routing",
    "tloi_site",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "tloi_site.security.content_security_policy",
    "tloi_site.precedence.pages_first",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "tloi_site.security.compress_pages",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "tloi_site.urls"
WSGI_APPLICATION = "tloi_site.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]


def _installed(package: str) -> Path:
    """The folder of an installed package, without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise env.BadSetting(f"The package {package} is not installed; run `make up`.")
    return Path(spec.origin).parent


STATIC_URL = "/static/"
STATIC_ROOT = Path(env.text("TLOI_STATIC_DIR") or DATA_DIR / "static")
STATICFILES_DIRS = [BASE_DIR / "static", ("plotly", _installed("plotly") / "package_data")]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "tloi_site.assets.Storage"},
}

_https = PUBLIC_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
SECURE_SSL_REDIRECT = False  # the proxy in front redirects; health checks come by plain HTTP
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0
SESSION_COOKIE_AGE = 14 * 24 * 3600
X_FRAME_OPTIONS = "DENY"
TRUST_PROXY = env.flag("TLOI_TRUST_PROXY")
if TRUST_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
DATA_UPLOAD_MAX_MEMORY_SIZE = 25 * 2**20

SITE_ADDRESS = env.address()
GATEWAY_PORT = env.integer("TLOI_GATEWAY_PORT", low=1, high=65535)
ALERTING_WEBHOOK_URL = env.text("ALERTING_WEBHOOK_URL")
ALERTING_WEBHOOK_SECRET = env.text("ALERTING_WEBHOOK_SECRET")
SLACK_WEBHOOK_URL = env.text("SLACK_WEBHOOK_URL")
ALLOW_PRIVATE_WEBHOOKS = frozenset(word.lower() for word in env.words("TLOI_ALLOW_PRIVATE_WEBHOOKS"))
UPSTREAM_HOSTS = frozenset(word.lower() for word in env.words("TLOI_UPSTREAM_HOSTS"))
ALLOW_PRIVATE_UPSTREAM = frozenset(word.lower() for word in env.words("TLOI_ALLOW_PRIVATE_UPSTREAM"))
LOCAL_MODEL = env.local_model()
LOCAL_MODEL_URL = f"http://127.0.0.1:{env.integer('TLOI_LOCAL_MODEL_PORT', low=1, high=65535)}/v1"
if LOCAL_MODEL:
    ALLOW_PRIVATE_UPSTREAM |= {f"127.0.0.1:{env.text('TLOI_LOCAL_MODEL_PORT')}"}
SECOND_SAMPLE = env.flag("TLOI_SECOND_SAMPLE")
AUDIT_PERCENT = env.integer("TLOI_AUDIT_PERCENT", low=0, high=100)
AUDIT_NANOUSD_A_DAY = 10**9 * env.integer("TLOI_AUDIT_USD_A_DAY", low=0, high=100_000)
SKILL_ROOTS = env.skill_roots()
MAIL_SERVER = _mail_server(env.text("TLOI_SMTP_URL"))
MAIL_FROM = env.text("TLOI_MAIL_FROM")
BACKUP_DIR = env.backup_dir()
BACKUP_KEEP = env.integer("TLOI_BACKUP_KEEP", low=1, high=10_000)
RETENTION_DAYS = env.optional_integer("TLOI_RETENTION_DAYS", low=2, high=36_500)
RATE_LIMIT_PER_MINUTE = env.integer("TLOI_RATE_LIMIT", low=0, high=10**9)
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["telemetry.api.auth.KeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["telemetry.api.auth.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [],  # telemetry.api.parsers reads bodies
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "telemetry.api.errors.as_answer",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "TLOI",
    "DESCRIPTION": "Send what your agents did, and ask what it cost.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "POSTPROCESSING_HOOKS": ["telemetry.api.schema.add_components"],
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {"django.server": {"level": "WARNING"}, "psycopg.pool": {"level": "ERROR"}},
}

# Who tells the pages of the gateway's ladder: (project_id, first, last, now) to a telemetry.contracts.Ladder.
LADDER = "routing.dashboards.showing.ladder"
# And of the skills that there are: (project_id) to a telemetry.contracts.SkillShelf.
SKILL_SHELF = "skills.dashboards.showing.shelf"
# What the concierge says of them, and what people make of it: telemetry.contracts.SkillCounsels, and a sentence.
SKILL_COUNSELS = "skills.dashboards.counselling.counsels"
SKILL_DECISION = "skills.dashboards.counselling.decide"
