"""What auditors sign, and two list queries that the real node answers with nonsense."""

from __future__ import annotations

from typing import Any

from provider.chain.wire import message


def sign(chain: Any, **attributes: str) -> Any:
    pairs = [{"key": k, "value": v} for k, v in attributes.items()]
    return message("akash.audit.v1.MsgSignProviderAttributes")(
        owner=chain["p1"], auditor=chain["auditor"], attributes=pairs
    )


def unsign(chain: Any, *keys: str) -> Any:
    return message("akash.audit.v1.MsgDeleteProviderAttributes")(owner=chain["p1"], auditor=chain["auditor"], keys=keys)


def test_an_auditor_adds_replaces_and_takes_back(chain: Any) -> None:
    chain.must("auditor", sign(chain, tier="community"))
    chain.must("auditor", sign(chain, region="eu", tier="gold"))
    found = chain.ask("akash.audit.v1.Query/ProviderAttributes", owner=chain["p1"]).providers
    assert [(a.key, a.value) for a in found[0].attributes] == [("region", "eu"), ("tier", "gold")]
    chain.must("auditor", unsign(chain, "tier"))
    assert chain.send("auditor", unsign(chain, "tier")).code == 3
    chain.must("auditor", unsign(chain))
    assert chain.send("auditor", unsign(chain)).code == 1


def test_signed_by_opens_an_order_to_audited_providers_only(chain: Any) -> None:
    made = chain.deployment()
    made.groups[0].requirements.attributes.add(key="tier", value="gold")
    made.groups[0].requirements.signed_by.all_of.append(chain["auditor"])
    chain.must("tenant", made)
    assert chain.send("p1", chain.bid()).code == 5
    chain.must("auditor", sign(chain, tier="gold"))
    chain.must("p1", chain.bid())


def test_the_lists_of_all_and_by_auditor_are_misread_like_the_real_ones(chain: Any) -> None:
    chain.must("auditor", sign(chain, region="eu", tier="gold"))
    for rows in (
        chain.ask("akash.audit.v1.Query/AuditorAttributes", auditor=chain["p3"]).providers,
        message("akash.audit.v1.QueryProvidersResponse")
        .FromString(
            chain.app.query(
                "/akash.audit.v1.Query/AllProvidersAttributes",
                message("akash.audit.v1.QueryAllProvidersAttributesRequest")(),
            ).SerializeToString()
        )
        .providers,
    ):
        assert [(row.owner, row.auditor) for row in rows] == [("\n\x04tier\x12\x04gold", "")]
