"""What the API says of itself: the OpenAPI document, its page, which asks no other host, and the probes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import call_command

from tests.api_calls import CALLS, EXECUTIONS, USAGE, ask

ELSEWHERE = re.compile(rb"(?:https?:)?//[\w.-]+\.\w+")
ASSET = re.compile(r'(?:src|href)="([^"]+)"')


def test_the_document_is_valid_without_a_warning(database: None, tmp_path: Path) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yml"))
    assert (tmp_path / "schema.yml").stat().st_size > 1000


def test_the_document_lists_every_address_of_the_api(web: str) -> None:
    answer = ask(web, "GET", "/api/schema/?format=json")
    assert answer.status == 200
    document = answer.json
    assert {path: list(methods) for path, methods in document["paths"].items()} == {
        CALLS: ["post"],
        EXECUTIONS: ["post"],
        "/api/v1/litellm/": ["post"],
        "/api/v1/forecast/": ["post"],
        "/api/v1/handover/": ["post"],
        "/api/v1/compress/": ["post"],
        "/api/v1/retrieve/": ["post"],
        "/api/v1/tasks/": ["post"],
        "/statusline.txt": ["get"],
        "/api/v1/tasks/{errand_id}/": ["get", "delete"],
        USAGE: ["get"],
        "/api/v1/anomalies/": ["get"],
        "/api/v1/budgets/": ["get"],
        "/api/v1/budgets/check/": ["post"],
        "/api/v1/budgets/set/": ["post"],
        "/api/v1/budgets/settle/": ["post"],
        "/api/v1/tokens/count/": ["post"],
        "/api/v1/skills/": ["get"],
        "/api/v1/skills/match/": ["get"],
        "/api/v1/skills/{name}/": ["get"],
        "/api/v1/skills/{name}/history/": ["get"],
        "/api/v1/skills/{name}/files/{file}": ["get"],
        "/api/v1/objectives/": ["get"],
        "/api/v1/export/": ["get"],
        "/api/v1/reports/": ["get"],
        "/api/v1/reports/{period}/": ["get"],
        **{f"{prefix}/v1/{signal}": ["post"] for prefix in ("", "/otlp") for signal in ("logs", "metrics", "traces")},
    }
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    assert all(
        operation["security"] == [{"key": []}] for path in document["paths"].values() for operation in path.values()
    )


def test_the_document_describes_records_field_by_field(web: str) -> None:
    schemas = ask(web, "GET", "/api/schema/?format=json").json["components"]["schemas"]
    assert schemas["Call"]["required"] == ["started_at", "model"]
    assert schemas["Call"]["properties"]["output"]["maximum"] == 2**53
    assert schemas["Execution"]["properties"]["skills"]["items"]["maxLength"] == 200
    assert schemas["Receipt"]["properties"].keys() == {"accepted", "duplicates", "quarantined", "rejected"}


def test_the_document_describes_a_report_field_by_field(web: str) -> None:
    schemas = ask(web, "GET", "/api/schema/?format=json").json["components"]["schemas"]
    assert {"version", "summary", "severities", "recommendations", "leaders"} <= schemas["Document"][
        "properties"
    ].keys()
    assert schemas["Summary"]["properties"]["tokens_wasted"] == {"type": "integer"}


def test_the_page_of_the_document_loads_everything_from_here(web: str) -> None:
    page = ask(web, "GET", "/api/docs/")
    assert page.status == 200
    assert ELSEWHERE.findall(page.content) == []
    assets = ASSET.findall(page.content.decode())
    assert len(assets) >= 4
    for asset in assets:
        answer = ask(web, "GET", asset)
        assert (asset, answer.status) == (asset, 200)
        assert answer.content
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert "<script>" not in page.content.decode()


@pytest.mark.parametrize(
    ("method", "path", "accepts", "status"),
    [("POST", "", "*/*", 405), ("GET", "", "application/json", 406), ("GET", "?format=xml", "*/*", 404)],
)
def test_what_the_page_cannot_do_is_said_in_words(web: str, method: str, path: str, accepts: str, status: int) -> None:
    answer = ask(web, method, f"/api/docs/{path}", headers={"Accept": accepts})
    assert (answer.status, answer.headers["content-type"].split(";")[0]) == (status, "text/plain")
    assert answer.content


def test_a_page_that_asks_another_host_is_found() -> None:
    assert ELSEWHERE.findall(b'<script src="//cdn.example.org/x.js">') == [b"//cdn.example.org"]


@pytest.mark.parametrize(
    ("path", "said"),
    [("/healthz", {"status": "ok"}), ("/readyz", {"status": "ok", "database": "ok", "broker": "ok"})],
)
def test_probes_answer_without_a_key(web: str, path: str, said: dict[str, str]) -> None:
    answer = ask(web, "GET", path)
    assert (answer.status, answer.json) == (200, said)
