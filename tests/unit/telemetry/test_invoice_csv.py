"""Files of providers as they are, as spreadsheets leave them, and as nobody should take them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.ledger import invoice_csv
from telemetry.ledger.invoice_csv import BadInvoice, parse_dollars, read_invoice

ANTHROPIC = """\
usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,list_price_usd,cost_type
2026-11-03,Claude Haiku 4.5,Default,key,message,≤ 200k,input_no_cache,0.05,0.05,token
2026-11-03,Claude Haiku 4.5,Default,key,message,≤ 200k,output,0.02,0.02,token
2026-11-04,Claude Sonnet 4.5,"Team ""A"", Madrid",key,message,≤ 200k,input_cache_read,0.10,1.00,token
2026-11-04,,Default,key,web_search,,,1.00,1.00,web_search
"""
OPENROUTER_DAYS = """\
Date,Slug,Usage,BYOK Usage,Requests,Prompt Tokens,Completion Tokens,Reasoning Tokens
"2026-11-03 00:00:00","anthropic/claude-opus-4.7","430.07","0","4115","70965665","3009973","0"
"2026-11-04 00:00:00","qwen/qwen3-coder:free","0","0","3","100","20","0"
"""
OPENROUTER_REQUESTS = """\
generation_id,created_at,cost_total,cost_web_search,byok_usage_inference,tokens_prompt,model_permaslug,variant
gen-1,2026-11-03 03:46:57.713,0.0123,0,0,10389,deepseek/deepseek-v4-20260910,standard
gen-2,2026-11-03T23:59:59.999Z,1.7e-05,0,0,137,deepseek/deepseek-v4-20260910,standard
gen-3,2026-11-04 01:00:00+02:00,0.5,0,0,1,openai/gpt-5,standard
gen-4,2026-11-04 00:00:00,,0,0,1,openai/gpt-5,free
"""


def lines(text: str) -> list[tuple[str, str, str]]:
    """The lines of a file as (day, model, dollars)."""
    file = read_invoice(text.encode())
    return [(str(line.day), line.model, f"{Decimal(line.amount_nanousd) / 10**9:f}") for line in file.lines]


def refusal(content: bytes | str) -> str:
    """Why a file is refused."""
    with pytest.raises(BadInvoice) as caught:
        read_invoice(content if isinstance(content, bytes) else content.encode())
    return str(caught.value)


def test_anthropics_cost_export_is_summed_by_day_and_model() -> None:
    assert lines(ANTHROPIC) == [
        ("2026-11-03", "Claude Haiku 4.5", "0.07"),
        ("2026-11-04", "", "1"),
        ("2026-11-04", "Claude Sonnet 4.5", "0.1"),
    ]
    file = read_invoice(ANTHROPIC.encode())
    assert (file.provider, file.first_day, file.last_day) == ("anthropic", date(2026, 11, 3), date(2026, 11, 4))
    assert [line.rounding_nanousd for line in file.lines] == [10_000_000, 5_000_000, 5_000_000]


def test_openrouters_activity_by_day_is_read() -> None:
    assert lines(OPENROUTER_DAYS) == [
        ("2026-11-03", "anthropic/claude-opus-4.7", "430.07"),
        ("2026-11-04", "qwen/qwen3-coder:free", "0"),
    ]
    assert read_invoice(OPENROUTER_DAYS.encode()).provider == "openrouter"
    assert {line.rounding_nanousd for line in read_invoice(OPENROUTER_DAYS.encode()).lines} == {0}


def test_openrouters_requests_are_summed_by_the_utc_day_of_each() -> None:
    assert lines(OPENROUTER_REQUESTS) == [
        ("2026-11-03", "deepseek/deepseek-v4-20260910", "0.012317"),
        ("2026-11-03", "openai/gpt-5", "0.5"),
        ("2026-11-04", "openai/gpt-5", "0"),
    ]


def test_a_table_of_ones_own_names_no_provider() -> None:
    file = read_invoice(b"Day;Model;Amount (USD)\n2026-11-03;gpt-5;$1,234.50\n")
    assert (file.provider, file.amount_nanousd) == ("", 1_234_500_000_000)


@pytest.mark.parametrize(
    "header",
    [
        "date,slug,usage",
        "DATE , Slug, Usage ",
        '"Date","Slug","Usage"',
        "Date\tSlug\tUsage",
        "requests,date,slug,usage",
    ],
)
def test_a_header_may_be_spelt_and_ordered_otherwise(header: str) -> None:
    separator = "\t" if "\t" in header else ","
    row = ["2026-11-03", "m", "2"] if not header.startswith("requests") else ["7", "2026-11-03", "m", "2"]
    assert lines(f"{header}\n{separator.join(row)}\n") == [("2026-11-03", "m", "2")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings_of_spreadsheets_are_read(encoding: str) -> None:
    content = "date,model,cost\r\n2026-11-03,modèle,1.5\r\n".encode(encoding)
    assert [line.model for line in read_invoice(content).lines] == ["modèle"]


@pytest.mark.parametrize("amount", ["1,25", "1.234,50", "0,5", "1,234"])
def test_a_comma_that_may_be_a_decimal_sign_is_refused_with_its_row(amount: str) -> None:
    words = refusal(f'date,model,cost\n2026-11-03,m,1.0\n2026-11-03,m,"{amount}"\n')
    assert words.startswith(f"Row 3: '{amount}' has a comma")


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("2026-11-03,m,NaN", "not an amount"),
        ("2026-11-03,m,Infinity", "not an amount"),
        ("2026-11-03,m,1e400", "more than"),
        ("2026-11-03,m,-", "not an amount"),
        ("2026-11-03,m,٣", "not an amount"),
        ("03/11/2026,m,1", "not a date"),
        ("Total,,12.5", "not a date"),
        ("1970-01-01,m,1", "not between"),
        ("9999-12-31T23:59:59-10:00,m,1", "not a date"),
        ("2026-11-03,m", "only 2 fields"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(row: str, says: str) -> None:
    words = refusal(f"date,model,cost\n{row}\n")
    assert words.startswith("Row 2")
    assert says in words


def test_columns_that_are_not_known_are_listed() -> None:
    words = refusal("Datum,Modell,Kosten\n2026-11-03,m,1\n")
    assert "Datum, Modell, Kosten" in words
    assert "usage_date_utc" in words


def test_anthropics_usage_export_is_told_from_its_cost_export() -> None:
    words = refusal("usage_date_utc,model_version,usage_input_tokens_no_cache,usage_output_tokens\n2026-11-03,m,1,2\n")
    assert "tokens and no cost" in words


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b" \n \n", "empty"),
        (b"date,model,cost\n", "no rows"),
        (b"PK\x03\x04zip", "no CSV"),
        (b"%PDF-1.7", "no CSV"),
        (b"date,model,cost\n2026-11-03,m\0,1\n", "no CSV"),
        (b'date,model,cost\n2026-11-03,"m,1\n', "not CSV"),
        (b"date,cost,model,cost\n2026-11-03,1,m,1\n", "2 times"),
    ],
)
def test_what_is_no_table_is_refused(content: bytes, says: str) -> None:
    assert says in refusal(content)


def test_a_file_that_is_too_large_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invoice_csv, "MAX_BYTES", 2**20)
    assert "larger than 1 MiB" in refusal(b"x" * (2**20 + 1))


def test_a_file_with_too_many_rows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invoice_csv, "MAX_ROWS", 3)
    assert "more than 3 rows" in refusal("date,model,cost\n" + "2026-11-03,m,1\n" * 3)


def test_credits_are_taken_off() -> None:
    assert lines("date,model,cost\n2026-11-03,m,2.50\n2026-11-03,m,-1.00\n") == [("2026-11-03", "m", "1.5")]


@given(st.decimals(min_value=-(10**6), max_value=10**6, places=9))
def test_an_amount_is_kept_to_the_nano_dollar(amount: Decimal) -> None:
    assert parse_dollars(f"{amount:f}") == int(amount * 10**9)


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: f"date,model,cost\n{text}".encode()))
def test_whatever_a_file_holds_it_is_read_or_refused(content: bytes) -> None:
    try:
        lines = read_invoice(content).lines
    except BadInvoice:
        return
    assert lines
