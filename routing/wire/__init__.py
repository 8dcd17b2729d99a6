"""The protocols of models, to and from our requests: OpenAI's chat, completions, responses and embeddings, and
Anthropic's messages. Pure: bytes in, records and bytes out."""
