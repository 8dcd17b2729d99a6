"""The cache keeps plain values, and what is no plain value is refused before it gets there."""

from __future__ import annotations

import pickle

import pytest
import redis
from django.conf import settings
from django.core.cache import cache


def test_what_is_kept_is_json_that_others_can_read_and_nobody_runs() -> None:
    cache.set("seen", {"at": "2026-11-20T12:00:00+00:00", "by": [1, 2.5, None]})
    assert cache.get("seen") == {"at": "2026-11-20T12:00:00+00:00", "by": [1, 2.5, None]}
    kept = redis.Redis.from_url(settings.CACHE_URL).get(":1:seen")
    assert isinstance(kept, bytes)
    assert kept.startswith(b'{"at"')


def test_a_pickle_that_somebody_put_there_is_not_loaded() -> None:
    redis.Redis.from_url(settings.CACHE_URL).set(":1:planted", pickle.dumps({"x": 1}))
    with pytest.raises(ValueError, match=r"decode|Expecting"):
        cache.get("planted")


def test_what_is_no_plain_value_is_refused() -> None:
    with pytest.raises(TypeError):
        cache.set("object", object())
