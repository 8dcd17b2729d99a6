"""No spelling, no name and no redirect leads a provider's key to an address that nobody listed: real sockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from routing.contracts import Fault, Limits, Provider, Tier
from routing.providers import addresses, connecting, http
from routing.providers.addresses import Allowed
from routing.providers.failed import Failed
from routing.providers.http import Upstream
from routing.wire.sending import Prepared
from tests.misbehaving import Manner, Misbehaving, provider
from tests.spellings import SPELLINGS

CANARY = "sk-canary-0123456789abcdef"
ASKED = Prepared("/chat/completions", b'{"messages":[]}', (), "openai.chat")


@pytest.fixture
def one() -> Iterator[Misbehaving]:
    """A listener that must hear nothing."""
    with provider() as box:
        yield box


class Names(AbstractResolver):
    """A name server that answers each question otherwise."""

    def __init__(self, *answers: str) -> None:
        self.answers, self.asked = list(answers), 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked += 1
        found = self.answers[min(self.asked, len(self.answers)) - 1]
        return [ResolveResult(hostname=host, host=found, port=port, family=socket.AF_INET, proto=6, flags=0)]

    async def close(self) -> None:
        """Nothing is open."""


def ask(base_url: str, allowed: Allowed, resolver: AbstractResolver | None = None) -> Fault | int:
    """The status, or what failed."""

    async def inside() -> Fault | int:
        upstream = Upstream(allowed, resolver=resolver)
        asked = Provider(id=1, name="local", family="openai", base_url=base_url, secret=CANARY)
        limits = Limits(connect_s=5, whole_s=20)
        tier = Tier(id=1, position=1, name="t", provider=asked, model="m", context_window=4096, limits=limits)
        try:
            async with await upstream.open(ASKED, tier, is_streamed=False) as response:
                return response.status
        except Failed as failed:
            said.append(f"{failed!r} {failed.fault} {failed.__cause__!r}")
            return failed.fault
        finally:
            await upstream.close()

    said: list[str] = []
    found = asyncio.run(inside())
    assert CANARY not in str(said)
    return found


def is_refused(found: Fault | int) -> bool:
    return isinstance(found, Fault) and found.kind == "forbidden_address"


def hosts(*names: str) -> Allowed:
    return Allowed.of(names, {"127.0.0.1:1", "vllm.lan:8000"})


@pytest.mark.parametrize("host", SPELLINGS)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_spelling_of_a_forbidden_address_is_asked(one: Misbehaving, scheme: str, host: str) -> None:
    place, hash_sign, rest = host.partition("#")
    assert is_refused(ask(f"{scheme}://{place}:{one.port}{hash_sign}{rest}/v1", hosts("openrouter.ai")))
    assert one.calls == []


@pytest.mark.parametrize("host", [one for one in SPELLINGS if not set("@#\\") & set(one) and one.isascii()])
def test_nor_is_it_where_somebody_listed_it_as_a_host(
    one: Misbehaving, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    """The list is passed; what the spelling leads to is looked at all the same."""
    monkeypatch.setattr(http, "check", lambda *_: None)
    found = ask(f"http://{host}:{one.port}/v1", hosts(host))
    assert isinstance(found, Fault)
    assert found.kind in ("forbidden_address", "malformed", "connect"), found  # aiohttp itself refuses some spellings
    assert one.calls == []


def test_without_these_looks_the_listener_would_hear_the_key(one: Misbehaving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "check", lambda *_: None)
    monkeypatch.setattr(addresses, "is_open", lambda _: True)
    assert ask(f"http://localhost:{one.port}/v1", hosts("openrouter.ai")) == 200
    assert ask(f"http://[::ffff:127.0.0.1]:{one.port}/v1", hosts("openrouter.ai")) == 200
    assert CANARY in one.calls[0].headers["Authorization"]


def test_what_is_listed_is_asked_and_no_other_port_of_it(one: Misbehaving) -> None:
    assert ask(one.openai, Allowed.of((), {one.place})) == 200
    assert is_refused(ask(f"http://127.0.0.1:{one.port + 1}/v1", Allowed.of((), {one.place})))
    assert is_refused(ask(f"http://localhost:{one.port}/v1", Allowed.of((), {one.place})))


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch) -> str:
    """A host that is listed, at any port and by http, so that a name server can lead it here."""
    monkeypatch.setattr(http, "check", lambda *_: None)
    return "openrouter.ai"


def test_a_name_that_leads_to_this_machine_is_refused(one: Misbehaving, named: str) -> None:
    found = ask(f"http://{named}:{one.port}/v1", hosts(named), Names("127.0.0.1"))
    assert isinstance(found, Fault)
    assert "leads to" in found.message  # so no socket was opened
    assert one.calls == []


def test_a_name_server_that_changes_its_mind_leads_nowhere(
    one: Misbehaving, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First a public address, so that the look passes, then this machine: what was looked at is connected to."""
    monkeypatch.setattr(addresses, "is_open", lambda address: address == "192.0.2.1")
    names = Names("192.0.2.1", "127.0.0.1")
    found = ask(f"http://{named}:{one.port}/v1", hosts(named), names)
    assert isinstance(found, Fault)
    assert found.kind in ("connect", "no_answer")  # nobody is at 192.0.2.1
    assert (names.asked, one.calls) == (1, [])


def test_whom_the_socket_is_connected_to_is_looked_at_before_the_key_is_sent(
    one: Misbehaving, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Should anything below us lead elsewhere: the look at what the name says is made to pass."""
    monkeypatch.setattr(connecting, "OpenInternet", lambda _, inner: inner)
    assert is_refused(ask(f"http://{named}:{one.port}/v1", hosts(named), Names("127.0.0.1")))
    assert one.calls == []


def test_a_redirect_is_not_followed(one: Misbehaving) -> None:
    with provider() as other:
        one.always(Manner(status=307, headers={"Location": f"{other.openai}/chat/completions"}))
        found = ask(one.openai, Allowed.of((), {one.place, other.place}))
        assert isinstance(found, Fault)
        assert "redirect" in found.message
        assert other.calls == []


def test_no_proxy_of_the_environment_hears_of_it(one: Misbehaving, monkeypatch: pytest.MonkeyPatch) -> None:
    with provider() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://{proxy.place}")
        assert ask(one.openai, Allowed.of((), {one.place})) == 200
        assert proxy.calls == []
