"""What a caller gets of sixteen ways in which a provider fails: by this gateway, and by LiteLLM's proxy.

Bar: 16 of 16. Anchor: the scenarios are those of Failover Bench (gateways.md §3 has them in our words), where its own
reference client passes all, the best gateway 12, and LiteLLM's proxy 9; which peer gets what here is measured here.

Each scenario has new providers on this machine (`tests.misbehaving`) and a new gateway with what it does unless told
otherwise: ours with two tiers, LiteLLM with two deployments, a fallback from one to the other and the same limits of
time. The caller is OpenAI's library without retries of its own, and only what reaches it, and what reached the
providers, is judged. LiteLLM is the program `litellm` on PATH, in an environment of its own:
`PATH=…:$PATH make bench-failover`. It takes four minutes, with LiteLLM ten.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import harness
from benchmarks.gateway import Served, litellm_with, make_key, started

if TYPE_CHECKING:
    from tests.misbehaving import Misbehaving

WORDS = 60  # of a whole answer
MOST_S = 45.0  # for any answer, or an error that says so
OUTAGE_S, BACK_S, EVERY_S = 60.0, 30.0, 4.0
_CONFIG = """\
model_list:
  - model_name: auto
    litellm_params: {{model: openai/model-1, api_base: "{first}", api_key: sk-1, timeout: 120, stream_timeout: 10}}
  - model_name: backup
    litellm_params: {{model: openai/model-2, api_base: "{second}", api_key: sk-2, timeout: 120, stream_timeout: 10}}
router_settings:
  fallbacks: [{{auto: [backup]}}]
"""


@dataclass(frozen=True)
class Got:
    """What the caller got of one request, and by whom it says that it was answered."""

    text: str
    error: str
    code: str
    seconds: float
    headers: Mapping[str, str]

    @property
    def is_whole(self) -> bool:
        """Whether it is an answer, and all of it."""
        return not self.error and len(self.text.split()) == WORDS


@dataclass
class Case:
    """One scenario while it runs."""

    address: str
    key: str
    first: Misbehaving
    second: Misbehaving

    def ask(self) -> Got:
        """Make one streamed call."""
        import openai

        text, headers, began = "", {}, time.monotonic()
        try:
            with openai.OpenAI(base_url=f"{self.address}/v1", api_key=self.key, max_retries=0, timeout=150) as client:
                asked = {"model": "auto", "messages": [{"role": "user", "content": "say many words"}], "stream": True}
                raw = client.chat.completions.with_raw_response.create(**asked)  # type: ignore[call-overload]
                headers = dict(raw.headers)
                for chunk in raw.parse():
                    text += (chunk.choices[0].delta.content or "") if chunk.choices else ""
        except openai.APIError as error:
            return Got(text, str(error), str(getattr(error, "code", "")), time.monotonic() - began, headers)
        return Got(text, "", "", time.monotonic() - began, headers)

    def asked(self) -> list[float]:
        """When the providers were asked."""
        return sorted(call.at for one in (self.first, self.second) for call in one.calls)


Judge = Callable[[Case], bool]


def main() -> None:
    """A JSON line for each gateway."""
    only = {int(word) for word in sys.argv[1:]}
    with harness.instance() as place:
        key = make_key()
        run("failover", lambda case: _ours(place.folder, case), key, only, at_least=16)
        if shutil.which("litellm"):
            run("failover-litellm", _litellm, "sk-any", only)


def run(name: str, gateway: Callable[..., Any], key: str, only: set[int], **bar: float) -> None:
    """All scenarios through one kind of gateway, or those that are named."""
    from tests.misbehaving import SIXTEEN, provider

    passed: dict[int, bool] = {}
    for number, judge in JUDGES.items():
        if only and number not in only:
            continue
        with provider() as first, provider() as second, gateway((first, second)) as served:
            case = Case(f"http://127.0.0.1:{served.port}", key, first, second)
            SIXTEEN[number](first, second)  # type: ignore[index]
            passed[number] = judge(case)
            print(f"{name} {number}: {'passed' if passed[number] else 'failed'}", file=sys.stderr, flush=True)
    failed = [number for number, is_passed in passed.items() if not is_passed]
    harness.report(name, sum(passed.values()), of=len(passed), failed=failed, **bar)


def _whole(case: Case) -> bool:
    return case.ask().is_whole


def _whole_in_six(case: Case) -> bool:
    return case.ask().is_whole and len(case.asked()) <= 6


def _waits(case: Case) -> bool:
    got, asked = case.ask(), [call.at for call in case.first.calls]
    return got.is_whole and _most_within(asked, 1.9) == 1


def _backs_off(case: Case) -> bool:
    return _whole_in_six(case) and _most_within(case.asked(), 3) <= 4


def _asks_the_silent_one_once(case: Case) -> bool:
    got = case.ask()
    return got.is_whole and len(case.first.calls) == 1 and got.seconds < 2 * 10 + 5


def _is_soon(case: Case) -> bool:
    got = case.ask()
    return got.is_whole and got.seconds < 15


def _whole_or_an_error(case: Case) -> bool:
    """Never a part of an answer that looks whole."""
    got = case.ask()
    return (got.is_whole or bool(got.error)) and got.seconds < MOST_S and "refill" not in got.error


def _stalls(case: Case) -> bool:
    return _whole_or_an_error(case) and case.ask().is_whole


def _is_finished(case: Case) -> bool:
    got = case.ask()
    return got.is_whole and got.seconds < 8


def _context(case: Case) -> bool:
    """The model is asked once; a larger window answers, which there is none of, or the error is told."""
    got = case.ask()
    return len(case.first.calls) == 1 and (got.is_whole or "maximum context length" in got.error)


def _filter(case: Case) -> bool:
    got = case.ask()
    return (len(case.first.calls), len(case.second.calls)) == (1, 0) and "triggering our policy" in got.error


def _flaps(case: Case) -> bool:
    """Served all the while, the tier that is down hardly asked, and back soon."""
    began = time.monotonic()
    while (passed_s := time.monotonic() - began) < OUTAGE_S + BACK_S + EVERY_S:
        before = len(case.first.calls)
        if not case.ask().is_whole:
            return False
        if len(case.first.calls) > before and case.first.calls[-1].status == 200:
            return len(case.first.calls) <= 15
        time.sleep(max(0.0, began + passed_s + EVERY_S - time.monotonic()))
    return False


def _says_who(case: Case) -> bool:
    got = case.ask()
    by_us, by_litellm = got.headers.get("x-tloi-tier"), got.headers.get("x-litellm-model-api-base", "")
    return got.is_whole and (by_us == "2" or case.second.place in by_litellm)


JUDGES: Mapping[int, Judge] = {
    1: _waits,
    2: _backs_off,
    3: _whole,
    4: _whole_in_six,
    5: _whole,
    6: _asks_the_silent_one_once,
    7: _is_soon,
    8: _whole_or_an_error,
    9: _stalls,
    10: _whole_or_an_error,
    11: _is_finished,
    12: _context,
    13: _filter,
    14: _whole_or_an_error,
    15: _flaps,
    16: _says_who,
}


def _most_within(asked: Sequence[float], seconds: float) -> int:
    return max((sum(0 <= other - one < seconds for other in asked) for one in asked), default=0)


@contextmanager
def _ours(folder: Path, providers: tuple[Misbehaving, Misbehaving]) -> Iterator[Served]:
    from tests.ladders import ladder

    first, second = providers
    port = harness.free_port()
    settings = {"TLOI_GATEWAY_PORT": str(port), "TLOI_ALLOW_PRIVATE_UPSTREAM": f"{first.place},{second.place}"}
    command = [sys.executable, "-m", "tloi_site.gateway"]
    with (
        tempfile.TemporaryDirectory(dir=folder) as own,
        ladder(first.openai, second.openai),
        started(command, port, settings | {"TLOI_DATA_DIR": own}) as served,
    ):
        yield served


def _litellm(providers: tuple[Misbehaving, Misbehaving]) -> AbstractContextManager[Served]:
    return litellm_with(_CONFIG.format(first=providers[0].openai, second=providers[1].openai))


if __name__ == "__main__":
    main()
