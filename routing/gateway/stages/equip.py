"""The skills that a task needs enter its prompt, where the request asks for them: `x-tloi-skills: auto`.

It comes before all that looks at the prompt, so that the plan, budgets and kept answers know the one that is sent.
Each of the user's messages brings what it needs, and what one brought stays: a prompt only grows, as a conversation
does, and a provider's cache keeps what it has. Where skills cannot be read the request goes on as it came, and its
answer says so.
"""

from __future__ import annotations

from routing.gateway.exchange import Exchange, Refusal
from routing.gateway.resources import Resources
from routing.wire.bodies import written
from routing.wire.reading import read
from routing.wire.skilled import TAKEN, asked, ends_with_user, with_skills
from skills import facade as skills


async def run(exchange: Exchange, resources: Resources) -> None:
    """Leaves the names of the skills in `exchange.skills`, and what kept others from being found in `skills_trouble`.
    Raises Refusal for a header that says nothing."""
    said = exchange.headers.get(b"x-tloi-skills", b"").decode("utf-8", "replace").strip().lower()
    if said in ("", "off"):
        return
    if said != "auto":
        raise Refusal(400, "invalid_request", "x-tloi-skills can be auto or off.", param="x-tloi-skills")
    if exchange.protocol not in TAKEN:
        raise Refusal(400, "invalid_request", "This protocol has no system prompt for skills.", param="x-tloi-skills")
    caller, said_by_user = exchange.caller, asked(exchange.protocol, exchange.request.body)
    begins = ends_with_user(exchange.protocol, exchange.request.body) and exchange.protocol != "anthropic.count_tokens"
    whose = skills.Whose(
        agent=caller.agent, task_type=caller.task_type, session_id=caller.session, execution_id=caller.execution
    )
    found = await resources.threads.run(
        lambda: skills.equip(
            said_by_user,
            project_id=caller.project_id,
            route="gateway",
            whose=whose,
            notes_last=begins,
            now=exchange.received_at,
        )
    )
    exchange.skills_trouble = found.trouble
    if not found.skills:
        return
    exchange.skills = tuple(skill.header.name for skill in found.skills)
    longer = with_skills(
        exchange.protocol, exchange.request.body, [(one.header.name, one.body) for one in found.skills]
    )
    exchange.body = written(longer)
    exchange.request = read(exchange.protocol, exchange.body)
