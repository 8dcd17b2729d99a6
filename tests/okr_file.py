"""A file of objectives that tests of reading and of keeping it share."""

from __future__ import annotations

from typing import Any

DOCUMENT: dict[str, Any] = {
    "objectives": [
        {
            "key": "O1",
            "title": "Faster",
            "priority": "high",
            "key_results": [
                {
                    "key": "O1-KR1",
                    "title": "Days",
                    "start": 20,
                    "target": "10.5",
                    "values": [{"day": "2026-11-02", "value": 18}],
                }
            ],
        }
    ],
    "work_items": [{"key": "T-1", "parent": "E-1"}],
    "attributions": [{"work_item": "E-1", "to": "O1-KR1", "weight": "0.6"}, {"agent": "builder", "to": "O1"}],
}
