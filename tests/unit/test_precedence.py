"""What programs send waits for pages, in whichever process those are made, and never for long."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from tloi_site import precedence
from tloi_site.precedence import MOST_S, give_way, pages_first

PAGE = RequestFactory().get("/")
SENT = RequestFactory().post("/api/v1/calls/", headers={"Authorization": "Bearer key"})
FORM = RequestFactory().post("/admin/")
CHECK = RequestFactory().post("/api/v1/budgets/check/", headers={"Authorization": "Bearer key"})


class Page:
    """A view that makes a page until it is told to end."""

    def __init__(self) -> None:
        self.begun, self.may_end = threading.Event(), threading.Event()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method == "GET":
            self.begun.set()
            assert self.may_end.wait(30)
        return HttpResponse()


@pytest.fixture
def page() -> Iterator[Page]:
    view = Page()
    handle = pages_first(view)
    thread = threading.Thread(target=handle, args=(PAGE,))
    thread.start()
    assert view.begun.wait(30)
    yield view
    view.may_end.set()
    thread.join()


def waited(request: HttpRequest, view: Page) -> float:
    began = time.monotonic()
    pages_first(view)(request)
    return time.monotonic() - began


def test_what_is_sent_waits_for_a_page_but_not_for_long(page: Page) -> None:
    assert waited(SENT, page) >= MOST_S


@pytest.mark.parametrize("request_", [FORM, CHECK], ids=["a form", "what is asked before a call"])
def test_who_waits_for_the_answer_does_not_wait_for_pages(page: Page, request_: HttpRequest) -> None:
    assert waited(request_, page) < MOST_S


def test_what_is_sent_goes_on_as_soon_as_the_page_is_made(page: Page) -> None:
    threading.Timer(0.05, page.may_end.set).start()
    began = time.monotonic()
    give_way(most_s=30)
    assert time.monotonic() - began < 15


def test_nothing_waits_where_no_page_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("it waited"))
    give_way(most_s=30)


def test_another_process_is_waited_for_and_one_that_died_over_its_page_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(precedence, "PAGE_S", 0.2)
    child = os.fork()
    if not child:
        pages_first(lambda _: os._exit(0))(PAGE)
    os.waitpid(child, 0)
    began = time.monotonic()
    give_way(most_s=30)
    assert 0 < time.monotonic() - began < 15
