"""A POST to an address that a person typed in reaches public hosts only, and ends soon: real sockets, a real server."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from telemetry.observer.alerts import posting
from telemetry.observer.alerts.posting import Refused, post
from tests.alerting import Receiver, receiver
from tests.spellings import SPELLINGS


@pytest.fixture
def canary() -> Iterator[Receiver]:
    """A server that must hear nothing."""
    with receiver() as box:
        yield box


def resolving(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """A name server that answers each question otherwise; the names that it was asked for."""
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, *_: object, **__: object) -> list[Any]:
        asked.append(host)
        found = answers[min(len(asked), len(answers)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(posting.socket, "getaddrinfo", getaddrinfo)  # type: ignore[attr-defined]
    return asked


@pytest.mark.parametrize("host", SPELLINGS)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_spelling_leads_to_a_private_address(canary: Receiver, scheme: str, host: str) -> None:
    place, hash_sign, rest = host.partition("#")
    began = time.monotonic()
    with pytest.raises((Refused, OSError)) as caught:
        post(f"{scheme}://{place}:{canary.port}{hash_sign}{rest}/", b"{}", {}, allowed={"alerts.lan:9093"})
    assert not isinstance(caught.value, ConnectionError | TimeoutError), "it was tried"
    assert time.monotonic() - began < 5
    assert canary.posts == []


def test_what_is_listed_is_reached(canary: Receiver) -> None:
    answer = post(canary.address, b'{"a":1}', {"X-One": "1"}, allowed={canary.place})
    assert answer.status == 200
    assert canary.posts[0].document == {"a": 1}
    assert canary.posts[0].headers["X-One"] == "1"
    assert canary.posts[0].headers["Host"] == canary.place


def test_listing_one_port_opens_no_other(canary: Receiver) -> None:
    with pytest.raises(Refused):
        post(canary.address, b"{}", {}, allowed={"127.0.0.1:1"})
    assert canary.posts == []


def test_a_name_that_leads_to_a_private_address_is_refused(canary: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, ["127.0.0.1"])
    with pytest.raises(Refused, match="not on the open Internet"):
        post(f"https://rebind.example.org:{canary.port}/", b"{}", {})


def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, ["1.1.1.1", "10.0.0.1"])
    with pytest.raises(Refused, match="not on the open Internet"):
        post("https://rebind.example.org/", b"{}", {})


def test_a_name_server_that_changes_its_mind_is_asked_once(canary: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """First a public address, so that the check passes, then this machine: what is connected to is what was checked."""
    asked = resolving(monkeypatch, ["192.0.2.1"], ["127.0.0.1"])
    monkeypatch.setattr(posting, "is_public", lambda address: address == "192.0.2.1")
    monkeypatch.setattr(posting, "TIMEOUT_S", 0.3)
    with pytest.raises(OSError):  # noqa: PT011 (nobody is there, or the network says so)
        post(f"https://rebind.example.org:{canary.port}/", b"{}", {})
    assert asked == ["rebind.example.org"]
    assert canary.posts == []


def test_whom_the_socket_is_connected_to_is_looked_at_again(canary: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Should anything below us lead elsewhere: the first look is made to pass, the second one still refuses."""
    looks = iter([True, False])
    monkeypatch.setattr(posting, "is_public", lambda _: next(looks))
    with pytest.raises(Refused, match="led to an address"):
        post(f"https://127.0.0.1:{canary.port}/", b"{}", {})
    assert canary.posts == []


def test_without_these_looks_the_canary_would_hear_of_it(canary: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "is_public", lambda _: True)
    monkeypatch.setattr(posting, "check", lambda address, **_: urlsplit(address))
    post(f"http://2130706433:{canary.port}/", b"{}", {})
    assert len(canary.posts) == 1


def test_a_redirect_is_an_answer_and_is_not_followed(canary: Receiver) -> None:
    with receiver() as other:
        other.status, other.headers = 302, {"Location": f"http://{canary.place}/latest/meta-data/"}
        assert post(other.address, b"{}", {}, allowed={other.place, canary.place}).status == 302
    assert canary.posts == []


def test_no_proxy_of_the_environment_is_asked(canary: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://{proxy.place}")
        assert post(canary.address, b"{}", {}, allowed={canary.place}).status == 200
        assert proxy.posts == []


def test_a_long_answer_is_not_read_to_its_end(canary: Receiver) -> None:
    canary.text = b"x" * 5_000_000
    assert len(post(canary.address, b"{}", {}, allowed={canary.place}).text) == 500


def test_who_says_a_byte_now_and_then_is_left_after_a_while(canary: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "WHOLE_S", 1.0)
    canary.drip_s = 0.1
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        post(canary.address, b"{}", {}, allowed={canary.place})
    assert time.monotonic() - began < 3


def test_who_says_nothing_is_left_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "TIMEOUT_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = f"127.0.0.1:{silent.getsockname()[1]}"
        for scheme in ("http", "https"):
            with pytest.raises(TimeoutError):
                post(f"{scheme}://{place}/", b"{}", {}, allowed={place})


def test_a_header_cannot_carry_a_second_one(canary: Receiver) -> None:
    with pytest.raises(ValueError, match="Invalid header"):
        post(canary.address, b"{}", {"X-One": "1\r\nX-Two: 2"}, allowed={canary.place})


def test_a_receiver_says_when_to_come_again(canary: Receiver) -> None:
    canary.status, canary.headers = 429, {"Retry-After": "120"}
    assert post(canary.address, b"{}", {}, allowed={canary.place}).retry_after_s == 120
    canary.headers = {"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}
    assert post(canary.address, b"{}", {}, allowed={canary.place}).retry_after_s is None
