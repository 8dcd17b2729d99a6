"""What reaches Django of a request's envelope: a length for a chunked body, and no charset."""

from __future__ import annotations

from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from tloi_site.envelope import put_right


def through(environ: WSGIEnvironment) -> WSGIEnvironment:
    """The environment that the application gets."""
    seen: WSGIEnvironment = {}

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        seen.update(environ)
        return []

    put_right(application, limit=99)(environ, lambda *said: lambda content: None)
    return seen


def test_a_chunked_body_gets_the_length_that_may_be_read() -> None:
    chunked = {"HTTP_TRANSFER_ENCODING": "gzip, Chunked", "wsgi.input_terminated": True}
    assert through(chunked)["CONTENT_LENGTH"] == "99"


@pytest.mark.parametrize("environ", [{}, {"HTTP_TRANSFER_ENCODING": "chunked"}, {"wsgi.input_terminated": True}])
def test_no_length_is_made_up_where_the_stream_might_never_end(environ: WSGIEnvironment) -> None:
    assert "CONTENT_LENGTH" not in through(dict(environ))


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ("application/json; charset=hex", "application/json"),
        ("multipart/form-data; Charset = idna ; boundary=x", "multipart/form-data; boundary=x"),
        ("text/plain; format=flowed", "text/plain; format=flowed"),
        ("", ""),
    ],
)
def test_a_charset_is_left_out(sent: str, seen: str) -> None:
    assert through({"CONTENT_TYPE": sent})["CONTENT_TYPE"] == seen
