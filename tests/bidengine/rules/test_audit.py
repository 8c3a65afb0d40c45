from __future__ import annotations

from typing import Any

import pytest

from bidengine.reasons import Reason
from bidengine.rules.audit import audit
from manifests.resources import SignedBy

SIGNED = {"ann": {"region": "eu"}, "bob": {"region": "us"}, "eve": {}}


@pytest.mark.parametrize(
    ("all_of", "any_of", "lacking"),
    [
        ((), (), None),
        (("ann",), (), None),
        (("ann", "bob"), (), "not signed for us by bob"),
        (("zed",), (), "not signed for us by zed"),
        ((), ("zed", "ann"), None),
        ((), ("zed", "bob"), "not signed for us by any of zed, bob"),
        (("ann",), ("bob",), "not signed for us by any of bob"),
        (("bob",), ("ann",), "not signed for us by bob"),
    ],
)
def test_whose_signature_is_demanded(
    make: Any, all_of: tuple[str, ...], any_of: tuple[str, ...], lacking: str | None
) -> None:
    spec = make.group(make.unit(), attributes={"region": "eu"}, signed_by=SignedBy(all_of, any_of))
    found = audit(make.order(spec), make.us({"region": "eu"}, SIGNED))
    assert (found and found.detail) == lacking
    if found is not None:
        assert (found.reason, found.final) == (Reason.AUDIT_MISSING, False)


def test_an_auditor_must_have_signed_something_even_if_nothing_is_demanded(make: Any) -> None:
    def judged(auditor: str) -> Any:
        return audit(make.order(make.group(make.unit(), signed_by=SignedBy((auditor,)))), make.us({}, SIGNED))

    assert judged("eve") is None
    assert judged("zed") is not None
