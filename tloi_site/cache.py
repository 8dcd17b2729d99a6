"""How values stand in the cache: as JSON, never as pickles, which would run whatever somebody else put there."""

from __future__ import annotations

import json
from typing import Any


class JsonSerializer:
    """The serializer that Django's Redis cache is told to use."""

    def dumps(self, value: Any) -> bytes:
        """Plain values only: texts, numbers, lists and dicts. Raises TypeError for others."""
        return json.dumps(value).encode()

    def loads(self, data: bytes) -> Any:
        """What `dumps` was given. Raises ValueError for anything else."""
        return json.loads(data)
