"""The Connect page: what to tell each agent, to whom a key is shown, and whether anything arrives."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from telemetry import facade
from telemetry.access.keys import authenticate, create_key
from telemetry.client import TokenTelemetry
from telemetry.contracts import Call, Rejection
from telemetry.dashboards import starting
from telemetry.database import connection
from telemetry.ledger import intake
from telemetry.models import ApiKey, Project
from tests.api_calls import CALLS, ask, call, send
from tests.page_reading import visitor

pytestmark = pytest.mark.usefixtures("static_files")
NEWS = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def empty_data_folder(settings: Settings, tmp_path: Path) -> Path:
    """No key lies ready."""
    settings.DATA_DIR = tmp_path
    return tmp_path


def words_of(browser: Client, address: str = "/connect/") -> str:
    """The page as a person reads it."""
    response = browser.get(address)
    assert response.status_code == 200
    return html.unescape(response.content.decode())


def poll_address(page: str) -> str:
    """Where the page asks for news."""
    found = re.search(r'id="poll"[^>]* hx-get="([^"]+)"', page)
    assert found
    return html.unescape(found[1])


class StateReader(HTMLParser):
    """The words of one element that is a <div>."""

    def __init__(self, page: str, element: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self._element = element
        self._depth = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """How deep we are inside."""
        if tag == "div" and (self._depth or dict(attrs).get("id") == self._element):
            self._depth += 1

    def handle_endtag(self, tag: str) -> None:
        """See handle_starttag."""
        if tag == "div" and self._depth:
            self._depth -= 1

    def handle_data(self, data: str) -> None:
        """Words inside."""
        if self._depth:
            self.words += data.split()


def state_words(page: str, card: str) -> str:
    """What a card says of its state, in one line."""
    return " ".join(StateReader(page, f"state-{card}").words)


def hear(project: Project, source: str, *, ago: timedelta, reasons: tuple[str, ...] = ()) -> None:
    """Note that a source sent something some time ago."""
    rejections = [Rejection(place, "req_7", reason) for place, reason in enumerate(reasons)]
    now = datetime.now(UTC) - ago
    intake.note(connection(), project_id=project.pk, source=source, received=1, rejections=rejections, now=now)


def test_every_agent_is_told_this_servers_address_and_a_working_key(project: Project, tmp_path: Path) -> None:
    plain = create_key(project, name="default", scopes=["ingest"])
    (tmp_path / "default-key").write_text(plain)
    page = words_of(visitor(project))
    assert "export OTEL_EXPORTER_OTLP_ENDPOINT=http://testserver\n" in page
    assert f'OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer {plain}"' in page
    assert (
        f'endpoint = "http://testserver/v1/logs", protocol = "binary", headers = {{ "Authorization" = "Bearer {plain}"'
        in page
    )
    assert "export OPENAI_BASE_URL=http://testserver/v1\n" in page
    assert f"export TLOI_URL=http://testserver\nexport TLOI_API_KEY={plain}" in page
    assert "endpoint: http://testserver/api/v1/litellm/" in page
    assert f"tloi import claude-code --project {project.slug}" in page
    assert "gRPC does not work" in page
    assert "cleanupPeriodDays" in page


def test_the_public_address_is_the_one_that_agents_are_told(project: Project, settings: Settings) -> None:
    settings.PUBLIC_URL = "https://tloi.example.org"
    assert "export OTEL_EXPORTER_OTLP_ENDPOINT=https://tloi.example.org\n" in words_of(visitor(project))


@pytest.mark.parametrize(
    ("address", "gateway"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8001"),
        ("http://[::1]:8000", "http://[::1]:8001"),
        ("https://tloi.example.org", "https://tloi.example.org"),
    ],
)
def test_agents_are_told_the_gateway_beside_this_server_or_behind_the_same_proxy(address: str, gateway: str) -> None:
    assert starting.gateway_beside(address) == gateway


@pytest.mark.parametrize("role", ["viewer", "editor"])
def test_only_an_owner_sees_a_key_and_makes_one(project: Project, tmp_path: Path, role: str) -> None:
    plain = create_key(project, name="default", scopes=["ingest"])
    (tmp_path / "default-key").write_text(plain)
    browser = visitor(project, role=role)
    page = words_of(browser)
    assert plain not in page
    assert "Bearer YOUR_KEY" in page
    assert "Make a key" not in page
    assert browser.post(f"/connect/key/?project={project.slug}").status_code == 403
    assert ApiKey.objects.filter(project=project).count() == 1


def test_an_owner_makes_a_key_that_is_filled_in_once_and_works(project: Project) -> None:
    browser = visitor(project)
    assert "Make a key" in words_of(browser)
    response = browser.post(f"/connect/key/?project={project.slug}")
    page = html.unescape(response.content.decode())
    plain = page.split("TLOI_API_KEY=")[1].split("<")[0].split("\n")[0]
    holder = authenticate(plain, now=datetime.now(UTC))
    assert (holder.project_id, sorted(holder.scopes)) == (project.pk, ["ingest", "read"])
    assert "no-store" in response.headers["Cache-Control"]
    assert plain not in words_of(browser)


def test_a_card_says_receiving_silent_or_nothing_yet(project: Project) -> None:
    hear(project, "otlp:claude-code", ago=timedelta(seconds=2))
    hear(project, "otlp:codex", ago=timedelta(hours=3))
    page = words_of(visitor(project))
    assert state_words(page, "claude-code") == "receiving"
    assert state_words(page, "codex").startswith("silent since ")
    assert state_words(page, "gemini") == "nothing received yet"


def test_a_moment_is_told_in_the_zone_of_the_project(project: Project) -> None:
    Project.objects.filter(pk=project.pk).update(time_zone="Asia/Kolkata")
    hear(project, "otlp:codex", ago=datetime.now(UTC) - datetime(2026, 1, 2, 20, 0, tzinfo=UTC))
    assert state_words(words_of(visitor(project)), "codex") == "silent since 3 Jan 2026, 01:30"


def test_a_card_counts_calls_refusals_and_models_without_a_price(project: Project) -> None:
    now = datetime.now(UTC)
    old, new = now - timedelta(hours=30), now - timedelta(minutes=2)
    calls = [
        Call(id=f"c{n}", started_at=at, model=model)
        for n, (at, model) in enumerate([(old, "gpt-5"), (new, "gpt-5"), (new, "house-llama"), (new, "house-llama")])
    ]
    facade.record(project_id=project.pk, calls=calls, source="sdk", now=now)
    hear(project, "sdk", ago=timedelta(0), reasons=("no model", "no model"))
    words = state_words(words_of(visitor(project)), "python")
    assert words.startswith("receiving 3 calls in 24 h No price known: house-llama (2)")
    assert "2 refused: 2 × no model last" in words
    assert "id req_7" in words


def test_a_source_without_a_card_is_shown_too(project: Project) -> None:
    hear(project, "strange", ago=timedelta(0))
    assert state_words(words_of(visitor(project)), "strange") == "receiving"


def test_a_reason_from_a_sender_is_escaped(project: Project) -> None:
    hear(project, "api", ago=timedelta(0), reasons=("<script>alert(1)</script>",))
    assert "<script>alert" not in visitor(project).get("/connect/").content.decode()


def test_while_nothing_changes_no_news_are_sent(project: Project) -> None:
    browser = visitor(project)
    address = poll_address(words_of(browser))
    answer = browser.get(address, headers=NEWS)
    assert (answer.status_code, answer.content) == (204, b"")


def test_news_hold_the_states_and_no_page_and_no_key(project: Project, tmp_path: Path) -> None:
    plain = create_key(project, name="default", scopes=["ingest"])
    (tmp_path / "default-key").write_text(plain)
    browser = visitor(project)
    address = poll_address(words_of(browser))
    hear(project, "otlp:gemini", ago=timedelta(0))
    news = browser.get(address, headers=NEWS).content.decode()
    assert state_words(news, "gemini") == "receiving"
    assert "<html" not in news
    assert plain not in news
    again = poll_address(news)
    assert again != address
    assert browser.get(again, headers=NEWS).status_code == 204


def test_the_address_of_news_opened_by_hand_is_the_page(project: Project) -> None:
    browser = visitor(project)
    assert "<html" in words_of(browser, poll_address(words_of(browser)))


def test_a_call_by_the_api_is_heard_of_and_a_refused_one_with_its_reason(web: str, project: Project, key: str) -> None:
    send(web, key, [call("good"), {"id": "bad-7", "started_at": "2025-10-24T12:00:00Z", "model": 5}])
    words = state_words(words_of(visitor(project)), "curl")
    assert words.startswith("receiving")
    assert "1 refused: 1 × Expected `str`, got `int` - at `model`" in words
    assert "id bad-7" in words


def test_what_the_sdk_sends_is_heard_of_on_its_own_card(web: str, project: Project, key: str, tmp_path: Path) -> None:
    telemetry = TokenTelemetry(web, key, spool_dir=str(tmp_path / "spool"))
    telemetry.record_completion(task_id="t", tokens_input=3, tokens_output=2, execution_time=1.0, model="gpt-5")
    assert telemetry.close()
    assert state_words(words_of(visitor(project)), "python") == "receiving 1 call in 24 h"


def test_a_webhook_is_heard_of_on_its_own_card(web: str, project: Project, key: str) -> None:
    assert ask(web, "POST", "/api/v1/litellm/", key=key, body=b"hello").status == 400
    assert "The body is not JSON" in state_words(words_of(visitor(project)), "litellm")


def test_a_body_that_cannot_be_read_is_a_refusal_too(web: str, project: Project, key: str) -> None:
    assert ask(web, "POST", CALLS, key=key, body=b"hello").status == 400
    words = state_words(words_of(visitor(project)), "curl")
    assert words.startswith("nothing received yet")
    assert "The body is not JSON" in words


def test_an_empty_overview_leads_here(project: Project) -> None:
    assert f'href="/connect/?project={project.slug}"' in visitor(project).get("/").content.decode()
