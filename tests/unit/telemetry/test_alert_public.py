"""Which addresses a message may go to: public ones only; and how an address may be written."""

from __future__ import annotations

import pytest

from telemetry.access.public import is_public
from telemetry.observer.alerts.posting import Refused, check

PRIVATE = (
    *("127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
    *("169.254.169.254", "169.254.170.2", "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192"),
    *("198.18.0.1", "192.0.2.1", "203.0.113.9", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1"),
    *("64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001::1", "2001:db8::1", "3fff::1", "5f00::1"),
    *("fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "nonsense", ""),
)


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_on_the_open_internet_is_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.32.0.1", "192.169.0.1", "2001:4860::8888"]
)
def test_a_public_address_is_taken(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "ftp://example.org/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_FLUSHALL",
        "//example.org/",
        "example.org",
        "https://",
        "https:///path",
        "https://user@example.org/",
        "https://user:word@example.org/",
        "https://hooks.slack.com@127.0.0.1/",
        "https://example.org/#fragment",
        "https://example.org/\r\nX-Injected: 1",
        "https://example.org/a b",
        "https://example.org\\@127.0.0.1/",
        "https://example.org:0/",
        "https://example.org:99999/",
        "https://example.org:port/",
        "https://[::1/",
        "https://ⓛocalhost/",
        "http://example.org/",
        "https://example.org/" + "x" * 2_000,
    ],
)
def test_an_address_that_is_written_otherwise_is_refused_before_anybody_is_asked(address: str) -> None:
    with pytest.raises(Refused):
        check(address)


def test_plain_http_is_for_what_is_listed() -> None:
    assert check("http://alerts.lan:9093/hook", allowed={"alerts.lan:9093"}).path == "/hook"
    assert check("http://[::1]:9093/hook", allowed={"[::1]:9093"}).port == 9093
    with pytest.raises(Refused, match="https://"):
        check("http://alerts.lan:9094/hook", allowed={"alerts.lan:9093"})
