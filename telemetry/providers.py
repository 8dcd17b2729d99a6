"""What providers of models are called, and which texts are ids that they gave to a response. Pure.

Libraries name one provider in many ways ("bedrock_converse", "amazon-bedrock", "aws"); the names kept are OTel's
`gen_ai.provider.name`, which the prices know. A name that is not known stays as it is, in lower case.
Source: formats.md §1; LiteLLM's `custom_llm_provider`; the AI SDK's `provider` of each of its packages.
"""

from __future__ import annotations

from functools import lru_cache

_SHORTEST_ID = 16
_LONGEST_ID = 300
_NAMES = {
    "amazon-bedrock": "aws.bedrock",
    "amazon_bedrock": "aws.bedrock",
    "anthropic": "anthropic",
    "aws": "aws.bedrock",
    "azure": "azure.ai.openai",
    "azure-openai": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "azure_openai": "azure.ai.openai",
    "az.ai.inference": "azure.ai.inference",
    "az.ai.openai": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "bedrock_converse": "aws.bedrock",
    "chatgpt": "openai",
    "claude-cli": "anthropic",
    "cohere": "cohere",
    "cohere_chat": "cohere",
    "fireworks_ai": "fireworks",
    "gcp.vertex.agent": "gcp.vertex_ai",
    "gemini": "gcp.gemini",
    "google": "gcp.gemini",
    "google-gemini-cli": "gcp.gemini",
    "google-vertex": "gcp.vertex_ai",
    "google.generative-ai": "gcp.gemini",
    "google.vertex": "gcp.vertex_ai",
    "google_genai": "gcp.gemini",
    "google_vertexai": "gcp.vertex_ai",
    "mistral": "mistral_ai",
    "mistralai": "mistral_ai",
    "moonshot": "moonshot_ai",
    "moonshotai": "moonshot_ai",
    "openai": "openai",
    "openai-codex": "openai",
    "openai_responses": "openai",
    "openrouter": "openrouter",
    "text-completion-openai": "openai",
    "together_ai": "together",
    "togetherai": "together",
    "vertex": "gcp.vertex_ai",
    "vertex_ai": "gcp.vertex_ai",
    "vertex_ai_beta": "gcp.vertex_ai",
    "vertexai": "gcp.vertex_ai",
    "watsonx": "ibm.watsonx.ai",
    "xai": "x_ai",
}
_KNOWN = frozenset(_NAMES.values())
_NO_IDS = frozenset("-_ 0")


@lru_cache(maxsize=1024)
def provider_name(said: str) -> str:
    """OTel's name of a provider, from what a library calls it: "openai.chat" and "OpenAI" are "openai". "" for ""."""
    name = said.strip().lower()
    if name in _KNOWN or name == "unknown":
        return "" if name == "unknown" else name
    parts = name.split(".")
    for length in (len(parts), 2, 1):
        found = _NAMES.get(".".join(parts[:length]))
        if found:
            return found
    return name


def is_identity(said: str) -> bool:
    """Whether a text is believed to name one response and no other: from 16 to 300 visible characters, not all of
    them alike. Some local servers number their responses `chatcmpl-0` to `chatcmpl-998` at random."""
    if not _SHORTEST_ID <= len(said) <= _LONGEST_ID or not said.isprintable() or " " in said:
        return False
    return not _NO_IDS.issuperset(said)
