"""What an invoice comes to, how it moves, and which thresholds a budget takes."""

from __future__ import annotations

from decimal import Decimal

import pytest
from headrace.sdk.errors import ConfigError, Conflict
from headrace_plugin_billing import budgets, invoices
from headrace_plugin_billing.models import Invoice
from hypothesis import given
from hypothesis import strategies as st

CENTS = st.integers(-10_000_000, 10_000_000).map(lambda cents: str(Decimal(cents) / 100))


def test_each_line_is_rounded_to_cents_and_the_tax_on_their_sum() -> None:
    lines = [{"text": "a", "quantity": "3", "unit_price": "0.335"}, {"text": "b", "quantity": "1", "unit_price": "10"}]
    assert invoices.amounts(lines, Decimal("7.5")) == (Decimal("11.01"), Decimal("11.84"))
    assert invoices.amounts([], Decimal(19)) == (Decimal(0), Decimal(0))


@given(st.lists(CENTS, max_size=20))
def test_whole_cents_are_never_changed(prices: list[str]) -> None:
    lines = [{"text": "x", "quantity": "1", "unit_price": price} for price in prices]
    assert invoices.amounts(lines, Decimal(0)) == (sum(map(Decimal, prices)), sum(map(Decimal, prices)))


@pytest.mark.parametrize(
    ("before", "after"), [("draft", "paid"), ("paid", "void"), ("void", "issued"), ("issued", "draft")]
)
def test_an_invoice_goes_one_way(before: str, after: str) -> None:
    row = Invoice(number="2026-0001", status=before)
    with pytest.raises(Conflict, match=f"invoice 2026-0001 is {before}"):
        invoices.step(row, after)
    assert row.status == before


def test_thresholds_are_percents_each_once() -> None:
    assert budgets.checked([100, 50, 50]) == [50, 100]
    for wrong in ([0], [1_001], list(range(1, 12))):
        with pytest.raises(ConfigError, match="thresholds are at most 10 percents"):
            budgets.checked(wrong)
