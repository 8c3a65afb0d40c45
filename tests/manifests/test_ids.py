"""Ids parse what they print, order as the chain does, and name the lease's namespace as the reference does."""

from __future__ import annotations

import pytest

from manifests.errors import Invalid
from manifests.ids import DeploymentID, GroupID, LeaseID, OrderID, lease_namespace

LEASE = LeaseID("akash1owner", 1234, 1, 2, "akash1provider")


@pytest.mark.parametrize(
    "id_", [DeploymentID("o", 7), GroupID("o", 7, 1), OrderID("o", 7, 1, 2), LEASE], ids=lambda i: type(i).__name__
)
def test_an_id_parses_what_it_prints(id_: DeploymentID | GroupID | OrderID | LeaseID) -> None:
    assert type(id_).parse(str(id_)) == id_


@pytest.mark.parametrize(
    "text",
    ["", "o", "o/1/1/1", "o/x/1/1/p", "o//1/1/p", "o/1/1/1/p/0", "o/-1/1/1/p", "o/１/1/1/p", f"o/{1 << 64}/1/1/p"],
)
def test_what_is_no_lease_id_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        LeaseID.parse(text)


def test_parts_of_a_lease() -> None:
    assert LEASE.deployment == DeploymentID("akash1owner", 1234)
    assert LEASE.group == GroupID("akash1owner", 1234, 1)
    assert LEASE.order == OrderID("akash1owner", 1234, 1, 2)
    assert LEASE.order.bid_of("akash1provider") == LEASE
    assert LEASE.order.group.deployment == LEASE.order.deployment == LEASE.deployment


def test_order_is_by_address_text_then_by_number() -> None:
    ids = [OrderID("b", 1, 1, 1), OrderID("a", 10, 1, 1), OrderID("a", 9, 1, 1)]
    assert sorted(ids) == [ids[2], ids[1], ids[0]]


def test_the_namespace_is_the_references() -> None:
    assert (
        lease_namespace(LeaseID("akash1owner", 1234, 1, 1, "akash1provider"))
        == "grbtlkh44jjias20qcv6gouplp4c6i9hr6t2af28hdsqs"
    )
    long = LeaseID(
        "akash1365yvmc4s7awdyj3n2sav7xfx76adc6dnmlx63", 123456, 1, 1, "akash1qufa3xzrf34qvwyejkhvnc4psf49fftaw0asmh"
    )
    assert lease_namespace(long) == "3g0ii3pin7f6jq47gpnonq51i2h2ld58u45lqrtjaav1s"
