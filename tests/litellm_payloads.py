"""One request as LiteLLM 1.106.2 tells it: by its webhook, and by the attributes of its span."""

from __future__ import annotations

from typing import Any

CALL_ID = "cd49e8f6-a2f7-485b-8f84-892ccee281f1"
RESPONSE_ID = "chatcmpl-1a10815a-c051-4479-87e5-92d216a6d09c"
NOON_S = 1761307200.0
USAGE = {
    "completion_tokens": 50,
    "prompt_tokens": 8320,
    "total_tokens": 8370,
    "completion_tokens_details": {"reasoning_tokens": 0, "text_tokens": 50},
    "prompt_tokens_details": {
        "audio_tokens": None,
        "cache_write_tokens": 300,
        "cached_tokens": 8000,
        "text_tokens": 20,
        "cache_creation_tokens": 300,
        "cache_creation_token_details": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200},
    },
    "cache_creation_input_tokens": 300,
    "cache_read_input_tokens": 8000,
    "service_tier": None,
}


def payload(**fields: Any) -> dict[str, Any]:
    """A StandardLoggingPayload of a request to Anthropic; fields as LiteLLM writes them."""
    return {
        "id": RESPONSE_ID,
        "litellm_call_id": CALL_ID,
        "trace_id": "sess-1",
        "session_id": "",
        "call_type": "acompletion",
        "cache_hit": None,
        "stream": None,
        "status": "success",
        "custom_llm_provider": "anthropic",
        "startTime": NOON_S,
        "endTime": NOON_S + 1.5,
        "completionStartTime": NOON_S + 0.25,
        "model": "anthropic/claude-sonnet-4-5-20250929",
        "model_group": "smart",
        "metadata": {"usage_object": USAGE, "user_api_key_alias": None, "user_api_key_team_alias": None},
        "response_cost": 0.004785,
        "total_tokens": 8370,
        "prompt_tokens": 8320,
        "completion_tokens": 50,
        "request_tags": [],
        "end_user": None,
        "messages": [{"role": "user", "content": "a secret question"}],
        "response": {"choices": [{"message": {"content": "a secret answer"}}]},
        "error_information": {"error_class": "", "error_message": ""},
        **fields,
    }


def span_attributes(**fields: Any) -> dict[str, Any]:
    """The attributes of the same request's span, as they are without OTel's newest names."""
    return {
        "metadata.usage_object": str(USAGE),
        "metadata.user_api_key_alias": "",
        "litellm.provider.model": "anthropic/claude-sonnet-4-5-20250929",
        "gen_ai.cost.total_cost": 0.004785,
        "gen_ai.request.model": "claude-sonnet-4-5-20250929",
        "llm.request.type": "completion",
        "gen_ai.system": "anthropic",
        "llm.is_streaming": "False",
        "gen_ai.response.id": RESPONSE_ID,
        "litellm.call_id": CALL_ID,
        "gen_ai.response.model": "claude-sonnet-4-5-20250929",
        "gen_ai.usage.total_tokens": 8370,
        "gen_ai.usage.output_tokens": 50,
        "gen_ai.usage.input_tokens": 8320,
        "gen_ai.input.messages": '[{"role": "user", "parts": [{"type": "text", "content": "a secret question"}]}]',
        "gen_ai.operation.name": "chat",
        "gen_ai.response.finish_reasons": '["stop"]',
        **fields,
    }
