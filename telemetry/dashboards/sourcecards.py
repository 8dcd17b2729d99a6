"""The cards of the Connect page: what each agent has to be told, word for word. Pure.

`{address}`, `{gateway}`, `{key}`, `{project}` and `{moment}` in a snippet are filled in for the person who looks.
`sources` are the texts under which the ledger keeps what comes by the card's way. Variables and settings: formats.md
§3, from each agent's own documentation.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Snippet:
    """Words to copy, and where they go; `instead`: another way to say what the one before says."""

    where: str
    words: str
    instead: bool = False


@dataclass(frozen=True, slots=True)
class SourceCard:
    """One way in. `notes` are what goes wrong otherwise."""

    name: str
    title: str
    sources: tuple[str, ...]
    about: str
    snippets: tuple[Snippet, ...]
    notes: tuple[str, ...] = ()


GATEWAY = SourceCard(
    name="gateway",
    title="Through the gateway",
    sources=("gateway",),
    about="An agent calls models through TLOI: a ladder answers, free and local first, and each call is in the ledger.",
    snippets=(
        Snippet("A key that may call models, made once", "tloi key create agent --project {project} --scope gateway"),
        Snippet(
            "In the shell that starts the agent, that key in place of GATEWAY_KEY",
            """\
export OPENAI_BASE_URL={gateway}/v1
export OPENAI_API_KEY=GATEWAY_KEY
export ANTHROPIC_BASE_URL={gateway}
export ANTHROPIC_AUTH_TOKEN=GATEWAY_KEY""",
        ),
        Snippet(
            "Codex CLI: in ~/.codex/config.toml",
            """\
model = "auto"
model_provider = "tloi"

[model_providers.tloi]
name = "TLOI"
base_url = "{gateway}/v1"
env_key = "OPENAI_API_KEY"
wire_api = "responses\"""",
            instead=True,
        ),
    ),
    notes=("The model auto, or one that no tier has, walks the ladder; tier:2 is that tier and no other.",),
)

CLAUDE_CODE = SourceCard(
    name="claude-code",
    title="Claude Code",
    sources=("otlp:claude-code",),
    about="Sends one event a model call while it works. Logs alone are enough; prompts are not sent.",
    snippets=(
        Snippet(
            "In the shell that starts it",
            """\
export CLAUDE_CODE_ENABLE_TELEMETRY=1
export OTEL_LOGS_EXPORTER=otlp
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
export OTEL_EXPORTER_OTLP_ENDPOINT={address}
export OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer {key}\"""",
        ),
        Snippet(
            "Or for every session, in ~/.claude/settings.json",
            """\
{
  "env": {
    "CLAUDE_CODE_ENABLE_TELEMETRY": "1",
    "OTEL_LOGS_EXPORTER": "otlp",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "{address}",
    "OTEL_EXPORTER_OTLP_HEADERS": "Authorization=Bearer {key}"
  }
}""",
            instead=True,
        ),
    ),
)

TRANSCRIPTS = SourceCard(
    name="transcripts",
    title="Claude Code transcripts",
    sources=("claude-code",),
    about="Reads what it has written on this machine, with the history from before TLOI. Again reads only what is new.",
    snippets=(Snippet("On the machine with the transcripts", "tloi import claude-code --project {project}"),),
    notes=(
        "Claude Code deletes transcripts after 30 days.",
        "A larger cleanupPeriodDays in ~/.claude/settings.json keeps them; what was imported stays here anyway.",
    ),
)

CODEX = SourceCard(
    name="codex",
    title="Codex CLI",
    sources=("otlp:codex",),
    about="Sends token counts in its logs. Each signal has an address of its own.",
    snippets=(
        Snippet(
            "In ~/.codex/config.toml",
            """\
[otel]
environment = "prod"
log_user_prompt = false
exporter = { otlp-http = { endpoint = "{address}/v1/logs", protocol = "binary", \
headers = { "Authorization" = "Bearer {key}" } } }
trace_exporter = { otlp-http = { endpoint = "{address}/v1/traces", protocol = "binary", \
headers = { "Authorization" = "Bearer {key}" } } }
metrics_exporter = { otlp-http = { endpoint = "{address}/v1/metrics", protocol = "binary", \
headers = { "Authorization" = "Bearer {key}" } } }""",
        ),
    ),
    notes=("The line exporter alone is enough; arguments of tools, which Codex sends too, are dropped here.",),
)

GEMINI = SourceCard(
    name="gemini",
    title="Gemini CLI",
    sources=("otlp:gemini",),
    about="Sends one record a response. Its settings know no key, so that stands in the environment.",
    snippets=(
        Snippet(
            "In ~/.gemini/settings.json",
            """\
{
  "telemetry": {
    "enabled": true,
    "target": "local",
    "otlpEndpoint": "{address}",
    "otlpProtocol": "http",
    "logPrompts": false
  }
}""",
        ),
        Snippet("And in the shell that starts it", 'export OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer%20{key}"'),
    ),
    notes=("logPrompts is true unless you say otherwise.",),
)

OPENCLAW = SourceCard(
    name="openclaw",
    title="OpenClaw",
    sources=("otlp:openclaw",),
    about="Sends spans through its plugin diagnostics-otel: openclaw plugins enable diagnostics-otel",
    snippets=(
        Snippet(
            "In ~/.openclaw/openclaw.json",
            """\
{
  "plugins": {
    "allow": ["diagnostics-otel"],
    "entries": {"diagnostics-otel": {"enabled": true}}
  },
  "diagnostics": {
    "enabled": true,
    "otel": {
      "enabled": true,
      "endpoint": "{address}",
      "protocol": "http/protobuf",
      "headers": {"Authorization": "Bearer {key}"},
      "traces": true,
      "metrics": false,
      "logs": false,
      "captureContent": {"enabled": false}
    }
  }
}""",
        ),
    ),
    notes=(
        "Set no sampleRate below 1, or calls are missing here. Keep what the plugins' list allows already.",
        "Where OpenClaw drives Claude Code or Codex, let only one of the two export.",
    ),
)

LOCAL_FILES = SourceCard(
    name="local-files",
    title="Files of other agents",
    sources=("codex", "gemini", "openclaw", "opencode", "orchestrate"),
    about="Codex, Gemini CLI, OpenClaw, opencode and OrchestrateOS keep files of their own, which TLOI reads.",
    snippets=(
        Snippet("All that this machine has", "tloi import --all --project {project}"),
        Snippet(
            "From another machine, and as they grow",
            "tloi import --all --to {address} --key {key} --watch",
            instead=True,
        ),
    ),
)

PYTHON = SourceCard(
    name="python",
    title="Python",
    sources=("sdk",),
    about="One file, telemetry/client.py, which needs nothing else. It sends in the background and keeps what it "
    "cannot send.",
    snippets=(
        Snippet("In the environment", "export TLOI_URL={address}\nexport TLOI_API_KEY={key}"),
        Snippet(
            "In your code",
            """\
from telemetry.client import TokenTelemetry

telemetry = TokenTelemetry()
telemetry.record_completion(
    task_id="sync_reading_list",
    tokens_input=3100,
    tokens_output=2400,
    execution_time=31.0,
    model="claude-sonnet-4-5",
)""",
        ),
    ),
)

LITELLM = SourceCard(
    name="litellm",
    title="LiteLLM",
    sources=("litellm", "otlp:litellm"),
    about="The proxy posts one record a call, with its cost. Its otel callback works too, with the variables of "
    "OpenTelemetry below.",
    snippets=(
        Snippet(
            "In config.yaml of the proxy",
            """\
litellm_settings:
  callbacks: ["tloi"]
callback_settings:
  tloi:
    callback_type: generic_api
    endpoint: {address}/api/v1/litellm/
    headers:
      Authorization: Bearer {key}
    event_types: [llm_api_success, llm_api_failure]
    log_format: json_array""",
        ),
        Snippet(
            'Or by OpenTelemetry: callbacks: ["otel"], and in its environment',
            """\
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
export OTEL_EXPORTER_OTLP_ENDPOINT={address}
export OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer {key}"
export OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental""",
            instead=True,
        ),
    ),
    notes=("One of the two is enough. Without the last line its spans say nothing of cached tokens.",),
)

OPENTELEMETRY = SourceCard(
    name="opentelemetry",
    title="Any OpenTelemetry SDK",
    sources=("otlp:gen-ai", "otlp:openinference", "otlp:openllmetry", "otlp:vercel"),
    about="Spans and logs in the words of OpenTelemetry GenAI, OpenInference, OpenLLMetry or the Vercel AI SDK.",
    snippets=(
        Snippet(
            "In the environment",
            """\
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
export OTEL_EXPORTER_OTLP_ENDPOINT={address}
export OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer%20{key}\"""",
        ),
    ),
    notes=("The space in the key's header is written %20, as the specification asks; some SDKs take nothing else.",),
)

CURL = SourceCard(
    name="curl",
    title="Any program, by HTTP",
    sources=("api",),
    about="One object, an array, or one object a line, plain or gzip. The API docs describe every field.",
    snippets=(
        Snippet(
            "In a shell",
            """\
curl -X POST {address}/api/v1/calls/ \\
  -H "Authorization: Bearer {key}" \\
  -H "Content-Type: application/json" \\
  -d '{"started_at": "{moment}",
       "model": "claude-sonnet-4-5", "agent": "my-agent",
       "input_uncached": 1200, "output": 340}'""",
        ),
    ),
)

CARDS = (
    GATEWAY,
    CLAUDE_CODE,
    TRANSCRIPTS,
    CODEX,
    GEMINI,
    OPENCLAW,
    LOCAL_FILES,
    PYTHON,
    LITELLM,
    OPENTELEMETRY,
    CURL,
)


def filled_in(words: str, *, address: str, gateway: str, key: str, project: str, moment: str) -> str:
    """A snippet with this server's address and the gateway's, a key, the project's slug and the present moment in their
    places."""
    places = {"address": address, "gateway": gateway, "key": key, "project": project, "moment": moment}
    for place, value in places.items():
        words = words.replace(f"{{{place}}}", value)
    return words
