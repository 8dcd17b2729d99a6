"""A gateway that is told to stop: its streams end with an error that says so, and the ledger has what they cost."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import openai
import pytest

from telemetry.models import Project
from tests.gateways import ledger, process
from tests.ladders import ladder
from tests.misbehaving import Manner, provider


def test_a_stream_is_told_that_the_gateway_stops_and_is_charged_for_what_came(
    project: Project, caller_key: str, tmp_path: Path
) -> None:
    raised: list[openai.APIError] = []
    begun = threading.Event()

    def follow(address: str) -> None:
        with openai.OpenAI(base_url=f"{address}/v1", api_key=caller_key, max_retries=0) as client:
            asked: list[openai.types.chat.ChatCompletionMessageParam] = [{"role": "user", "content": "say many words"}]
            try:
                for _ in client.chat.completions.create(model="auto", messages=asked, stream=True):
                    begun.set()
            except openai.APIError as error:
                raised.append(error)

    with provider() as first, ladder(first.openai):
        first.always(Manner(gap_s=0.3))  # all of it would take 18 s
        with process(tmp_path, [first.place]) as one:
            thread = threading.Thread(target=follow, args=(one.address,))
            thread.start()
            assert begun.wait(20)
            one.process.send_signal(signal.SIGTERM)
            thread.join(10)
            assert one.process.wait(10) == 0
        (error,) = raised
        assert "The gateway is stopping" in error.message
        (call,) = ledger(project, 1)
        (asked,) = first.calls
        assert asked.has_left
        assert 0 < call.output <= asked.output_tokens < 60


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_with_nothing_to_do_it_ends_at_once(database: None, tmp_path: Path, sign: signal.Signals) -> None:
    with process(tmp_path, []) as one:
        one.process.send_signal(sign)
        assert one.process.wait(10) == 0
