"""What the model asks of what was left out of its prompt is fetched here, and it is asked to go on."""

from __future__ import annotations

from routing.gateway.asides import end, go_on
from routing.gateway.attempts import settle_answer
from routing.gateway.exchange import Exchange
from routing.gateway.resources import Resources


async def run(exchange: Exchange, resources: Resources) -> None:
    """Leaves the answer where it is one for the client, else the step that is to be asked again. Each round is a call
    of the ledger."""
    asides, answer, shortened = exchange.asides, exchange.answer, exchange.shortened
    if asides is None or answer is None or shortened is None or answer.verdict is not None or asides.said is None:
        return
    said = asides.said
    texts = await resources.conversations.fetch(exchange.caller.project_id, said.ours) if said.ours else []
    if said.goes_on:
        settle_answer(exchange, resources, answer, is_final=False)
        before = asides.cost_nanousd
        asides.cost_nanousd = resources.cost(exchange, answer) or before
        resources.savings.fetched(exchange, answer, len(texts), cost_nanousd=asides.cost_nanousd - before)
        go_on(exchange, asides, shortened, answer, texts)
        return
    end(exchange, asides, answer, texts)
    asides.said = None
    if asides.fetched:
        await resources.conversations.note_round(exchange, shortened.conversation, asides.fetched)
