"""What a call costs, in integer nano-dollars. Pure.

genai-prices knows the prices; asking it takes a quarter of a millisecond, so it is asked once for each provider,
model, day, service tier and context tier for rates, and the multiplication is ours. Rates are nano-dollars per
million tokens: a price of $0.0375 per million is the integer 37,500,000. A property test holds every product to
genai-prices' own result. What a person set comes first; a model named `…:free` costs nothing; an unknown one has no
cost, which is not 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from typing import Any

import genai_prices
from genai_prices import Usage
from genai_prices.types import ModelInfo, ModelPrice, TieredPrices, TimeOfDateConstraint

from telemetry.contracts import Call
from telemetry.ledger.pricebook import NO_OVERRIDES, PriceBook, Rates
from telemetry.usage import INPUTS, provider_of

PRICE_VERSION = f"genai-prices {genai_prices.__version__}"
FREE = "free model"
MAX_NANOUSD = 2**63 - 1
_MILLION = 1_000_000
_NANO = Decimal(10**9)
_BELOW_HALF = 499_999
_COUNTED = (*INPUTS, "output", "started_at")
_Priced = tuple[tuple[tuple[int, ...], ...], str, bool]
_FREE_RATES = Rates(-1, 0, 0, 0, 0, 0, 0)
_MOST_DAYS = 20_000
_ANY_TIME = datetime(2026, 1, 1, tzinfo=UTC)
_of_a_day: dict[tuple[str, str, str, int], tuple[Rates, ...]] = {}


def computed_nanousd(call: Call, inputs: int, book: PriceBook = NO_OVERRIDES) -> tuple[int | None, str]:
    """The cost of a call with `inputs` input tokens in all, and the price version it rests on; (None, "") where the
    model has no known price. An override of `book` comes before the table."""
    if book.overrides:
        override = book.find(call.provider, call.model, call.started_at)
        if override is not None:
            return _cost(call, override.rates), override.version
    if call.model.endswith(":free"):
        return 0, FREE
    tiers = rates(call.provider, call.model, call.started_at, call.service_tier)
    if not tiers:
        return None, ""
    for tier in tiers:
        if inputs > tier.above:
            break
    return _cost(call, tier), PRICE_VERSION


def computed_columns(
    columns: Mapping[str, Sequence[Any]], inputs: Sequence[int], book: PriceBook = NO_OVERRIDES
) -> tuple[list[int | None], list[str]]:
    """`computed_nanousd` of many calls, of which each field is a column: costs, and price versions. Rates are looked
    up once for each model and day."""
    costs: list[int | None] = []
    versions: list[str] = []
    asked: dict[tuple[str, str, str, int], _Priced] = {}
    days = [at.toordinal() if at.tzinfo is UTC else at.astimezone(UTC).toordinal() for at in columns["started_at"]]
    named = zip(columns["provider"], columns["model"], columns["service_tier"], days, strict=True)
    counted = zip(*(columns[name] for name in _COUNTED), strict=True)
    for key, (uncached, read, write, write_1h, unknown, output, at), total in zip(named, counted, inputs, strict=True):
        priced = asked.get(key)
        if priced is None:
            priced = _priced(*key[:3], at, book)
            if priced[2]:
                asked[key] = priced
        tiers, version, _ = priced
        cost = None
        for above, per_uncached, per_read, per_write, per_write_1h, per_output, a_call in tiers:
            if total > above:
                millionths = uncached * per_uncached + read * per_read + (write + unknown) * per_write
                millionths += write_1h * per_write_1h + output * per_output
                cost = a_call + (millionths + _BELOW_HALF + (millionths // _MILLION & 1)) // _MILLION  # half to even
                break
        costs.append(cost)
        versions.append(version)
    return costs, versions


def nanousd(cost: Decimal) -> int:
    """US dollars as nano-dollars, half to even. Raises ValueError for what is not a believable cost."""
    if not cost.is_finite() or not 0 <= cost <= _MILLION:
        raise ValueError("cost_usd must be from 0 to 1,000,000 dollars")
    return int((cost * _NANO).to_integral_value(ROUND_HALF_EVEN))


def _priced(provider: str, model: str, service_tier: str, at: datetime, book: PriceBook) -> _Priced:
    """The rates of a model at a moment as plain numbers, the price version, and whether they hold all day."""
    override = book.find(provider, model, at) if book.overrides else None
    if override is not None:
        return (astuple(override.rates),), override.version, True
    if model.endswith(":free"):
        return (astuple(_FREE_RATES),), FREE, True
    tiers = rates(provider, model, at, service_tier)
    found = _find(provider, model)
    is_by_day = found is None or not _priced_by_time_of_day(found)
    return tuple(map(astuple, tiers)), PRICE_VERSION if tiers else "", is_by_day


def rates(provider: str, model: str, at: datetime, service_tier: str) -> tuple[Rates, ...]:
    """The rates of a model at a moment, highest context tier first, the last for all contexts; empty where it has no
    known price."""
    moment = at if at.tzinfo is UTC else at.astimezone(UTC)
    key = (provider, model, service_tier, moment.toordinal())
    known = _of_a_day.get(key)
    if known is not None:
        return known
    found = _find(provider, model)
    if found is None:
        return ()
    if _priced_by_time_of_day(found):
        return _rates(provider, model, moment.replace(second=0, microsecond=0), service_tier)
    if len(_of_a_day) >= _MOST_DAYS:
        _of_a_day.clear()
    _of_a_day[key] = _rates(provider, model, datetime(moment.year, moment.month, moment.day, tzinfo=UTC), service_tier)
    return _of_a_day[key]


def _cost(call: Call, tier: Rates) -> int:
    millionths = (
        call.input_uncached * tier.input_uncached
        + call.cache_read * tier.cache_read
        + (call.cache_write_5m + call.cache_write_unknown) * tier.cache_write
        + call.cache_write_1h * tier.cache_write_1h
        + call.output * tier.output
    )
    return tier.a_call + _rounded(millionths)


@lru_cache(maxsize=4096)
def _rates(provider: str, model: str, at: datetime, service_tier: str) -> tuple[Rates, ...]:
    known = _find(provider, model)
    if known is None:
        return ()
    context = dict.fromkeys(("service_tier", "speed", "processing"), service_tier) if service_tier else None
    price = known.get_prices(at, context)
    starts = sorted({tier.start for value in _values(price) for tier in value.tiers}, reverse=True)
    return (*(_tier(price, start) for start in starts), _tier(price, -1))


@lru_cache(maxsize=4096)
def _find(provider: str, model: str) -> ModelInfo | None:
    """genai-prices' model, or None. Only a call without a provider is priced by its model's name alone: the same
    name at a provider that is not known (a local server, say) may cost something else, or nothing."""
    provider_id = provider_of(provider) or None
    try:
        found = genai_prices.calc_price(Usage(), model, provider_id=provider_id, genai_request_timestamp=_ANY_TIME)
    except LookupError:
        return None
    return found.model


def _tier(price: ModelPrice, start: int) -> Rates:
    """The rates of one context tier, found by what genai-prices asks for a call just above `start` input tokens."""
    many = max(start + 1, 1)
    fee = _price(price, Usage())
    plain = _price(price, Usage(input_tokens=many)) - fee
    one_output = _price(price, Usage(input_tokens=many, output_tokens=1)) - fee - plain
    return Rates(
        above=start,
        input_uncached=_per_million(plain, many),
        cache_read=_per_million(_price(price, Usage(input_tokens=many, cache_read_tokens=many)) - fee, many),
        cache_write=_per_million(_price(price, Usage(input_tokens=many, cache_write_tokens=many)) - fee, many),
        cache_write_1h=_per_million(
            _price(price, Usage(input_tokens=many, cache_write_tokens=many, cache_write_1h_tokens=many)) - fee, many
        ),
        output=_per_million(one_output, 1),
        a_call=int((fee * _NANO).to_integral_value(ROUND_HALF_EVEN)),
    )


def _price(price: ModelPrice, usage: Usage) -> Decimal:
    return price.calc_price(usage)["total_price"]


def _values(price: ModelPrice) -> list[TieredPrices]:
    return [value for value in vars(price).values() if isinstance(value, TieredPrices)]


def _priced_by_time_of_day(model: ModelInfo) -> bool:
    prices = model.prices if isinstance(model.prices, list) else []
    return any(isinstance(price.constraint, TimeOfDateConstraint) for price in prices)


def _per_million(price: Decimal, tokens: int) -> int:
    return int((price / tokens * _MILLION * _NANO).to_integral_value(ROUND_HALF_EVEN))


def _rounded(millionths: int) -> int:
    """A count of 10⁻¹⁵ dollars as nano-dollars, half to even."""
    quotient, rest = divmod(millionths, _MILLION)
    return quotient + (2 * rest > _MILLION or (2 * rest == _MILLION and quotient % 2 == 1))
