"""The model that `tloi up` serves itself, as the lowest tier: `mlx_lm.server`, looked after by `tloi_site.local_model`.

It is for Apple silicon; on Linux MLX answers too slowly for anything but tests. Anywhere else the lowest tier is any
server that speaks OpenAI's protocol, and its address stands in the admin. Source: platform.md, C.
"""

from __future__ import annotations

import http.client
import importlib.util
import os
import sys
from pathlib import Path

from tloi_site import env
from tloi_site.embedded import CannotStart, preflight
from tloi_site.embedded.child import Service
from tloi_site.embedded.site import ROOT

HOST = "127.0.0.1"


def is_wanted() -> bool:
    """Whether a setting names a model."""
    return bool(env.local_model())


def can_start() -> None:
    """Raises CannotStart where a model is wanted and cannot be served, in a sentence that says what to do."""
    model = env.local_model()
    if not model:
        return
    if importlib.util.find_spec("mlx_lm") is None:
        raise CannotStart(
            "TLOI_LOCAL_MODEL is set, but mlx-lm is not installed; `make up LOCAL_MODEL=…` installs it on Apple silicon"
            " and on Linux. Elsewhere let the provider `local` name another model server."
        )
    if model.startswith(("/", "~", ".")) and not Path(model).is_dir():
        raise CannotStart(f"TLOI_LOCAL_MODEL is {model!r}, but there is no such folder.")
    preflight.port_is_free(HOST, _port(), setting="TLOI_LOCAL_MODEL_PORT")


def service(data_dir: Path) -> Service:
    """The server, with somebody who ends it when it is no longer well, so that it is started again."""
    port = _port()
    return Service(
        name="local-model",
        command=(sys.executable, "-m", "tloi_site.local_model", env.local_model(), str(port)),
        log=data_dir / "local-model.log",
        folder=ROOT,
        is_ready=lambda: is_well(port),
        tier="site",
        environment=_environment(env.local_model()),
    )


def is_well(port: int, *, patience_s: float = 5.0) -> bool:
    """Whether the server says that it can generate."""
    connection = http.client.HTTPConnection(HOST, port, timeout=patience_s)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _port() -> int:
    return env.integer("TLOI_LOCAL_MODEL_PORT", low=1, high=65535)


def _environment(model: str) -> dict[str, str]:
    """Ours, with a cache folder that is there, for without one the server's list of models fails. A model in a folder
    asks no network, and nobody is told that it runs."""
    found = dict(os.environ)
    home = Path(found.get("HF_HOME") or Path(found.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "huggingface")
    cache = Path(found.setdefault("HF_HUB_CACHE", str(home / "hub")))
    cache.mkdir(parents=True, exist_ok=True)
    found |= {"HF_HUB_DISABLE_TELEMETRY": "1", "PYTHONUNBUFFERED": "1"}
    if Path(model).is_dir():
        found["HF_HUB_OFFLINE"] = "1"
    if sys.platform == "linux":
        found["MLX_DISABLE_COMPILE"] = "1"  # it would load what it compiles from a folder that everybody may write to
    return found
