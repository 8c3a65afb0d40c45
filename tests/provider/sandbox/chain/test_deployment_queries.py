"""Deployments and groups as a client lists and fetches them."""

from __future__ import annotations

from typing import Any

import pytest

from provider.sandbox.chain.errors import QueryError

DEPLOYMENT = "akash.deployment.v1beta4.Query"


@pytest.fixture
def many(chain: Any) -> Any:
    """dseq 9, 10, 21 and 101 of the tenant, made in another order, and 10 of the auditor; 10 and 21 are closed."""
    for dseq in (101, 9, 21, 10):
        chain.must("tenant", chain.deployment(dseq))
    other = chain.deployment(10)
    other.id.owner = chain["auditor"]
    chain.must("auditor", other)
    for dseq in (21, 10):
        chain.must("tenant", chain.close_deployment(dseq))
    return chain


def listed(chain: Any, found: Any) -> list[str]:
    """ "t9" for dseq 9 of the tenant, "a9" for that of the auditor"""
    letter = {chain["tenant"]: "t", chain["auditor"]: "a"}
    return [f"{letter[row.deployment.id.owner]}{row.deployment.id.dseq}" for row in found.deployments]


def by_owner(chain: Any, *rows: str) -> list[str]:
    """Sorted as the state is: owners by the text of their address."""
    first = min((chain["tenant"], "t"), (chain["auditor"], "a"))[1]
    return sorted(rows, key=lambda row: (row[0] != first, int(row[1:])))


@pytest.mark.parametrize(
    ("owner", "more", "groups"),
    [
        ("", {}, ["t9 t101 a10", "t10 t21"]),
        ("", {"state": "active"}, ["t9 t101 a10"]),
        ("", {"state": "closed"}, ["t10 t21"]),
        ("", {"dseq": 10}, ["a10", "t10"]),
        ("tenant", {}, ["t9 t10 t21 t101"]),
        ("tenant", {"state": "closed"}, ["t10 t21"]),
        ("tenant", {"state": "active", "dseq": 9}, ["t9"]),
        ("tenant", {"state": "closed", "dseq": 9}, []),
        ("tenant", {"dseq": 1}, []),
        ("auditor", {}, ["a10"]),
        ("p1", {}, []),
    ],
)
def test_lists_go_state_by_state_unless_an_owner_is_named(
    many: Any, owner: str, more: dict[str, Any], groups: list[str]
) -> None:
    found = many.ask(f"{DEPLOYMENT}/Deployments", filters={"owner": many[owner] if owner else "", **more})
    assert listed(many, found) == [row for group in groups for row in by_owner(many, *group.split())]
    assert (found.pagination.total, found.pagination.next_key) == (len(found.deployments), b"")


def test_an_owner_that_is_no_address_has_nothing(many: Any) -> None:
    assert not many.ask(f"{DEPLOYMENT}/Deployments", filters={"owner": "no address"}).deployments


@pytest.mark.parametrize("owner", ["", "tenant"])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("limit", [1, 2, 4])
def test_pages_together_are_the_list(many: Any, owner: str, reverse: bool, limit: int) -> None:
    filters = {"owner": many[owner]} if owner else {}
    whole = listed(many, many.ask(f"{DEPLOYMENT}/Deployments", filters=filters, pagination={"reverse": reverse}))
    assert len(whole) == (4 if owner else 5)
    seen: list[str] = []
    key = b""
    while True:
        page = {"limit": limit, "key": key, "reverse": reverse}
        found = many.ask(f"{DEPLOYMENT}/Deployments", filters=filters, pagination=page)
        assert 0 < len(found.deployments) <= limit
        assert found.pagination.total == len(found.deployments)
        seen += listed(many, found)
        key = found.pagination.next_key
        if not key:
            break
    assert seen == whole


def test_pages_follow_the_filter_of_a_state(many: Any) -> None:
    first = many.ask(f"{DEPLOYMENT}/Deployments", filters={"state": "active"}, pagination={"limit": 2})
    page = {"limit": 2, "key": first.pagination.next_key}
    second = many.ask(f"{DEPLOYMENT}/Deployments", filters={"state": "active"}, pagination=page)
    assert listed(many, first) + listed(many, second) == by_owner(many, "t9", "t101", "a10")
    skipped = many.ask(f"{DEPLOYMENT}/Deployments", filters={"state": "active"}, pagination={"offset": 2})
    assert listed(many, skipped) == listed(many, second)


@pytest.mark.parametrize(
    ("filters", "page", "text"),
    [
        ({"state": "open"}, {}, "invalid state value"),
        ({"state": "Active"}, {}, "invalid state value"),
        (
            {},
            {"offset": 1},
            "invalid request parameters. if offset is set, filter.state must be provided",
        ),
    ],
)
def test_lists_that_are_refused(many: Any, filters: Any, page: Any, text: str) -> None:
    with pytest.raises(QueryError) as no:
        many.ask(f"{DEPLOYMENT}/Deployments", filters=filters, pagination=page)
    assert (no.value.status, no.value.text) == ("INVALID_ARGUMENT", text)


def test_a_deployment_comes_with_its_groups_and_its_money(many: Any) -> None:
    groups = [many.deployment().groups[0] for _ in range(2)]
    groups[0].name, groups[1].name = "zebra", "ant"
    many.must("tenant", many.deployment(1, groups=groups, deposit=700_000))
    found = many.ask(f"{DEPLOYMENT}/Deployment", id={"owner": many["tenant"], "dseq": 1})
    assert (found.deployment.id.dseq, found.deployment.hash, found.deployment.state) == (1, b"h" * 32, 1)
    assert [(g.id.gseq, g.group_spec.name, g.id.dseq) for g in found.groups] == [(1, "zebra", 1), (2, "ant", 1)]
    account = found.escrow_account
    assert (account.id.scope, account.id.xid) == (1, f"{many['tenant']}/1")
    assert [(f.denom, f.amount) for f in account.state.funds] == [("uact", str(700_000 * 10**18))]
    rows = many.ask(f"{DEPLOYMENT}/Deployments", filters={"owner": many["tenant"], "dseq": 1}).deployments
    assert list(rows) == [found], "a list says as much"


def test_a_group_by_itself(many: Any) -> None:
    found = many.ask(f"{DEPLOYMENT}/Group", id={"owner": many["tenant"], "dseq": 21, "gseq": 1}).group
    assert (found.id.dseq, found.state) == (21, 4)


@pytest.mark.parametrize(
    ("what", "owner", "status", "text"),
    [
        ("Deployment", "tenant", "NOT_FOUND", "codespace deployment code 4: Deployment not found"),
        ("Deployment", "", "INVALID_ARGUMENT", "invalid owner address"),
        ("Group", "tenant", "NOT_FOUND", "codespace deployment code 14: Group not found"),
        ("Group", "", "INVALID_ARGUMENT", "invalid owner address"),
    ],
)
def test_what_is_not_there(many: Any, what: str, owner: str, status: str, text: str) -> None:
    ident: dict[str, Any] = {"owner": many[owner] if owner else "", "dseq": 404}
    if what == "Group":
        ident |= {"dseq": 9, "gseq": 3}
    with pytest.raises(QueryError) as no:
        many.ask(f"{DEPLOYMENT}/{what}", id=ident)
    assert (no.value.status, no.value.text) == (status, text)


def test_parameters(many: Any) -> None:
    found = many.ask(f"{DEPLOYMENT}/Params").params.min_deposits
    assert [(coin.denom, coin.amount) for coin in found] == [("uakt", "500000"), ("uact", "500000")]
