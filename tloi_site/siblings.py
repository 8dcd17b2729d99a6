"""The launcher of web, gateway and worker, `python -m tloi_site.siblings`: loads what they need, forks them, and ends.

They are the same program for the most part, and what none of them changes is in memory once. Nothing is connected, and
no thread runs, before the fork.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from importlib import import_module

from tloi_site import web
from tloi_site.embedded import forking

# What Celery's worker loads by name when it starts, and would load once more in each process.
OF_WORKERS = (
    *("celery.apps.worker", "celery.concurrency.prefork", "celery.concurrency.asynpool", "celery.fixups.django"),
    *("celery.worker.components", "celery.worker.consumer", "celery.worker.strategy", "celery.worker.autoscale"),
    *("kombu.transport.redis", "kombu.asynchronous.hub", "tloi_site.worker"),
)


def load() -> None:
    """Load what they need; nothing is garbage."""
    web.load()
    for name in ("tloi_site.asgi", "tloi_site.gateway", *OF_WORKERS):
        import_module(name)
    from tloi_site.celery import app  # noqa: PLC0415 (when Django is set up)

    app.loader.import_default_modules()
    app.finalize()
    gc.collect()
    gc.freeze()


def main() -> None:
    """Read orders, and print the ids of the forks, by name."""
    orders: list[forking.Order] = json.load(sys.stdin)
    thresholds = gc.get_threshold()
    load()

    def prepare(name: str) -> None:
        if name != "web":
            gc.set_threshold(*thresholds)  # what wsgi sets is for batches

    pids = forking.fork_all(orders, prepare)
    sys.stdout.write(json.dumps(pids))
    sys.stdout.flush()
    os._exit(0)  # at once, for the forks wait for it


if __name__ == "__main__":
    main()
