"""What may stand behind a key, one by one; the whole file is tariff/test_file.py's."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from bidengine.autoprice import AutoMode
from bidengine.tariff.schema import Aim, Auto, Coin, Costs, Multipliers, Owner, Rates
from manifests.coins import E18


def test_units_are_in_the_names_and_numbers_are_exact() -> None:
    rates = Rates.model_validate({"memoryGiB": "0.1", "gpu": {"nvidia/t4": "1.000000000000000001"}})
    assert (rates.memory_gib, rates.gpu, rates.cpu) == (E18 // 10, {"nvidia/t4": E18 + 1}, None)
    costs = Costs.model_validate({"expectedLeaseHours": "48", "marginPercent": "12.5"})
    assert (costs.expected_lease_hours, costs.margin_percent) == (48, 125 * E18 // 10)
    assert Auto.model_validate({"mode": "dry-run"}).mode is AutoMode.DRY_RUN


@pytest.mark.parametrize(
    ("model", "key", "value"),
    [
        (Rates, "cpu", 1.6),
        (Rates, "cpu", "1e3"),
        (Rates, "cpu", "٣"),
        (Rates, "gpu", {f"nvidia/m{n}": "1" for n in range(1001)}),
        (Costs, "expectedLeaseHours", "0"),
        (Owner, "discountPercent", "100"),
        (Multipliers, "attributes", {"tier": {"premium": "0"}}),
        (Multipliers, "signedBy", {"anybody": "1"}),
        (Coin, "usd", "0"),
        (Coin, "enabled", "yes"),
        (Aim, "targetPercent", "100"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_refused(model: Any, key: str, value: object) -> None:
    with pytest.raises(ValidationError):
        model.model_validate({key: value})
