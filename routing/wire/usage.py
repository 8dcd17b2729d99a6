"""A provider's usage, in its own words, to our buckets and back. Pure. Source: formats.md §0, §5, §9.

OpenAI and who speaks like it count cached tokens inside the prompt and reasoning inside the completion; Anthropic
counts what was read from and written to its cache beside `input_tokens`. An explicit 0 is a value; where neither
input nor output is said there is no usage.
"""

from __future__ import annotations

from decimal import Decimal

from routing.contracts import Usage
from routing.wire.bodies import Body, count_of, object_of


def of_openai(said: object) -> Usage | None:
    """Usage of a chat, a completion, an embedding (`prompt_tokens`) or a response (`input_tokens`); None where it
    says nothing. OpenRouter adds `cost`, and for a key of one's own what the provider behind it takes."""
    usage = object_of(said)
    prompt = count_of(usage.get("prompt_tokens", usage.get("input_tokens")))
    completion = count_of(usage.get("completion_tokens", usage.get("output_tokens")))
    if prompt is None and completion is None:
        return None
    details = object_of(usage.get("prompt_tokens_details") or usage.get("input_tokens_details"))
    produced = object_of(usage.get("completion_tokens_details") or usage.get("output_tokens_details"))
    read = count_of(details.get("cached_tokens")) or 0
    write = count_of(details.get("cache_write_tokens")) or 0
    total = prompt or 0
    is_exclusive = read + write > total  # it counts no cached input, whatever it should do
    return Usage(
        input_uncached=total if is_exclusive else total - read - write,
        cache_read=read,
        cache_write_unknown=write,
        output=completion or 0,
        reasoning=count_of(produced.get("reasoning_tokens")),
        cost_usd=_cost(usage),
    )


def of_anthropic(said: object) -> Usage | None:
    """Usage of a message; None where it says nothing."""
    usage = object_of(said)
    fresh, output = count_of(usage.get("input_tokens")), count_of(usage.get("output_tokens"))
    if fresh is None and output is None:
        return None
    written = object_of(usage.get("cache_creation"))
    five, hour = (count_of(written.get(f"ephemeral_{ttl}_input_tokens")) or 0 for ttl in ("5m", "1h"))
    total = count_of(usage.get("cache_creation_input_tokens")) or 0
    return Usage(
        input_uncached=fresh or 0,
        cache_read=count_of(usage.get("cache_read_input_tokens")) or 0,
        cache_write_5m=five,
        cache_write_1h=hour,
        cache_write_unknown=max(total - five - hour, 0),
        output=output or 0,
        reasoning=count_of(object_of(usage.get("output_tokens_details")).get("thinking_tokens")),
        cost_usd=_cost(usage),
    )


def as_chat(usage: Usage) -> Body:
    """Usage as a chat of OpenAI's says it: cached tokens are part of the prompt."""
    prompt = input_total(usage)
    said: Body = {
        "prompt_tokens": prompt,
        "completion_tokens": usage.output,
        "total_tokens": prompt + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read, "cache_write_tokens": written_total(usage)},
    }
    if usage.reasoning is not None:
        said["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning}
    return said


def as_response(usage: Usage) -> Body:
    """Usage as a response of OpenAI's says it."""
    prompt = input_total(usage)
    return {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": usage.cache_read, "cache_write_tokens": written_total(usage)},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning or 0},
        "total_tokens": prompt + usage.output,
    }


def as_message(usage: Usage) -> Body:
    """Usage as a message of Anthropic's says it: what was cached stands beside the input."""
    return {
        "input_tokens": usage.input_uncached,
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation_input_tokens": written_total(usage),
        "output_tokens": usage.output,
    }


def input_total(usage: Usage) -> int:
    """All input tokens, cached or not."""
    return usage.input_uncached + usage.cache_read + written_total(usage)


def written_total(usage: Usage) -> int:
    """All input tokens that were written to a cache."""
    return usage.cache_write_5m + usage.cache_write_1h + usage.cache_write_unknown


def _cost(usage: Body) -> Decimal | None:
    cost = _dollars(usage.get("cost"))
    if cost is None or usage.get("is_byok") is not True:
        return cost
    return cost + (_dollars(object_of(usage.get("cost_details")).get("upstream_inference_cost")) or 0)


def _dollars(value: object) -> Decimal | None:
    return Decimal(repr(value)) if isinstance(value, int | float) and value >= 0 and type(value) is not bool else None
