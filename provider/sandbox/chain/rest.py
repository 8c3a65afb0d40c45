"""The REST gateway beside gRPC, which consoles and web clients use: the same questions with paths, query strings and
the node's own JSON (chain.md §1.4).

`Rest` answers without any transport; rest_server.py puts it on a port.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor

from provider.chain.wire import POOL, message

from .codec import plain
from .errors import QueryError
from .services import Services

if TYPE_CHECKING:
    from .node import Node

_GET = {
    "/akash/audit/v1/audit/attributes/list": "akash.audit.v1.Query/AllProvidersAttributes",
    "/akash/audit/v1/audit/attributes/{owner}/list": "akash.audit.v1.Query/ProviderAttributes",
    "/akash/audit/v1/audit/attributes/{auditor}/{owner}": "akash.audit.v1.Query/ProviderAuditorAttributes",
    "/akash/bme/v1/ledger": "akash.bme.v1.Query/LedgerRecords",
    "/akash/bme/v1/params": "akash.bme.v1.Query/Params",
    "/akash/bme/v1/status": "akash.bme.v1.Query/Status",
    "/akash/bme/v1/vault": "akash.bme.v1.Query/VaultState",
    "/akash/cert/v1/certificates/list": "akash.cert.v1.Query/Certificates",
    "/akash/deployment/v1beta4/deployments/info": "akash.deployment.v1beta4.Query/Deployment",
    "/akash/deployment/v1beta4/deployments/list": "akash.deployment.v1beta4.Query/Deployments",
    "/akash/deployment/v1beta4/groups/info": "akash.deployment.v1beta4.Query/Group",
    "/akash/deployment/v1beta4/params": "akash.deployment.v1beta4.Query/Params",
    "/akash/discovery/v1/info": "akash.discovery.v1.Discovery/GetInfo",
    "/akash/escrow/v1/types/accounts": "akash.escrow.v1.Query/Accounts",
    "/akash/escrow/v1/types/payments": "akash.escrow.v1.Query/Payments",
    "/akash/market/v1beta5/bids/info": "akash.market.v1beta5.Query/Bid",
    "/akash/market/v1beta5/bids/list": "akash.market.v1beta5.Query/Bids",
    "/akash/market/v1beta5/leases/info": "akash.market.v1beta5.Query/Lease",
    "/akash/market/v1beta5/leases/list": "akash.market.v1beta5.Query/Leases",
    "/akash/market/v1beta5/orders/info": "akash.market.v1beta5.Query/Order",
    "/akash/market/v1beta5/orders/list": "akash.market.v1beta5.Query/Orders",
    "/akash/market/v1beta5/params": "akash.market.v1beta5.Query/Params",
    "/akash/oracle/v2/aggregated_price/{denom=**}": "akash.oracle.v2.Query/AggregatedPrice",
    "/akash/oracle/v2/params": "akash.oracle.v2.Query/Params",
    "/akash/oracle/v2/prices": "akash.oracle.v2.Query/Prices",
    "/akash/provider/v1/auditor/{auditor}/list": "akash.audit.v1.Query/AuditorAttributes",
    "/akash/provider/v1beta4/providers": "akash.provider.v1beta4.Query/Providers",
    "/akash/provider/v1beta4/providers/{owner}": "akash.provider.v1beta4.Query/Provider",
    "/cosmos/auth/v1beta1/account_info/{address}": "cosmos.auth.v1beta1.Query/AccountInfo",
    "/cosmos/auth/v1beta1/accounts/{address}": "cosmos.auth.v1beta1.Query/Account",
    "/cosmos/auth/v1beta1/params": "cosmos.auth.v1beta1.Query/Params",
    "/cosmos/authz/v1beta1/grants": "cosmos.authz.v1beta1.Query/Grants",
    "/cosmos/authz/v1beta1/grants/grantee/{grantee}": "cosmos.authz.v1beta1.Query/GranteeGrants",
    "/cosmos/authz/v1beta1/grants/granter/{granter}": "cosmos.authz.v1beta1.Query/GranterGrants",
    "/cosmos/bank/v1beta1/balances/{address}": "cosmos.bank.v1beta1.Query/AllBalances",
    "/cosmos/bank/v1beta1/balances/{address}/by_denom": "cosmos.bank.v1beta1.Query/Balance",
    "/cosmos/bank/v1beta1/send_enabled": "cosmos.bank.v1beta1.Query/SendEnabled",
    "/cosmos/bank/v1beta1/spendable_balances/{address}": "cosmos.bank.v1beta1.Query/SpendableBalances",
    "/cosmos/base/node/v1beta1/config": "cosmos.base.node.v1beta1.Service/Config",
    "/cosmos/base/node/v1beta1/status": "cosmos.base.node.v1beta1.Service/Status",
    "/cosmos/base/tendermint/v1beta1/blocks/latest": "cosmos.base.tendermint.v1beta1.Service/GetLatestBlock",
    "/cosmos/base/tendermint/v1beta1/blocks/{height}": "cosmos.base.tendermint.v1beta1.Service/GetBlockByHeight",
    "/cosmos/base/tendermint/v1beta1/node_info": "cosmos.base.tendermint.v1beta1.Service/GetNodeInfo",
    "/cosmos/base/tendermint/v1beta1/syncing": "cosmos.base.tendermint.v1beta1.Service/GetSyncing",
    "/cosmos/feegrant/v1beta1/allowance/{granter}/{grantee}": "cosmos.feegrant.v1beta1.Query/Allowance",
    "/cosmos/feegrant/v1beta1/allowances/{grantee}": "cosmos.feegrant.v1beta1.Query/Allowances",
    "/cosmos/feegrant/v1beta1/issued/{granter}": "cosmos.feegrant.v1beta1.Query/AllowancesByGranter",
    "/cosmos/tx/v1beta1/txs": "cosmos.tx.v1beta1.Service/GetTxsEvent",
    "/cosmos/tx/v1beta1/txs/{hash}": "cosmos.tx.v1beta1.Service/GetTx",
}
_POST = {
    "/cosmos/tx/v1beta1/simulate": "cosmos.tx.v1beta1.Service/Simulate",
    "/cosmos/tx/v1beta1/txs": "cosmos.tx.v1beta1.Service/BroadcastTx",
}
_STATUSES = {
    "INVALID_ARGUMENT": (400, 3),
    "NOT_FOUND": (404, 5),
    "RESOURCE_EXHAUSTED": (429, 8),
    "UNIMPLEMENTED": (501, 12),
    "INTERNAL": (500, 13),
    "UNAVAILABLE": (503, 14),
}


@dataclass(frozen=True, slots=True)
class RestAnswer:
    status: int
    body: Any
    height: int | None = None


class Rest:
    def __init__(self, node: Node) -> None:
        self._services = Services(node)
        self._get = [(_pattern(path), method) for path, method in _GET.items()]

    def get(self, target: str, height: int = 0) -> RestAnswer:
        """`target` is path and query string."""
        parts = urlsplit(target)
        for pattern, method in self._get:
            found = pattern.fullmatch(parts.path)
            if found is not None:
                pairs = [(name, unquote(text)) for name, text in found.groupdict().items()]
                return self._ask(method, pairs + parse_qsl(parts.query, keep_blank_values=True), height)
        return _failure(QueryError("UNIMPLEMENTED", "Not Implemented"))

    def post(self, path: str, body: Any) -> RestAnswer:
        method = _POST.get(path)
        if method is None:
            return _failure(QueryError("UNIMPLEMENTED", "Not Implemented"))
        request = message(_described(method).input_type.full_name)()
        try:
            json_format.ParseDict(body, request, descriptor_pool=POOL)
        except json_format.ParseError as bad:
            return _failure(QueryError("INVALID_ARGUMENT", str(bad)))
        return self._answer(method, request, 0)

    def _ask(self, method: str, pairs: list[tuple[str, str]], height: int) -> RestAnswer:
        request = message(_described(method).input_type.full_name)()
        try:
            for name, text in pairs:
                _fill(request, name.split("."), text)
        except ValueError as bad:
            return _failure(QueryError("INVALID_ARGUMENT", str(bad)))
        return self._answer(method, request, height)

    def _answer(self, method: str, request: Any, height: int) -> RestAnswer:
        try:
            answer, served = self._services.ask(f"/{method}", request.SerializeToString(), height)
        except QueryError as no:
            return _failure(no)
        return RestAnswer(200, plain(message(_described(method).output_type.full_name).FromString(answer)), served)


def _pattern(path: str) -> re.Pattern[str]:
    """`{name}` is one part of a path, `{name=**}` the rest of it."""
    text = re.sub(r"\{(\w+)=\*\*\}", r"(?P<\1>.+)", path)
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", text))


def _described(method: str) -> Any:
    service, _, name = method.rpartition("/")
    return POOL.FindServiceByName(service).FindMethodByName(name)


def _failure(no: QueryError) -> RestAnswer:
    status, code = _STATUSES.get(no.status, (500, 2))
    return RestAnswer(status, {"code": code, "message": no.text, "details": []})


def _fill(request: Any, path: list[str], text: str) -> None:
    """Sets one field by its dotted name, or adds to a repeated one; names nobody knows are passed over. ValueError for
    a value that is none.
    """
    field = request.DESCRIPTOR.fields_by_name.get(path[0])
    if field is None:
        return
    if len(path) > 1:
        if field.message_type is not None and not field.is_repeated:
            _fill(getattr(request, path[0]), path[1:], text)
        return
    value: Any = text == "true" if field.type == FieldDescriptor.TYPE_BOOL else text
    part = type(request)()
    try:
        json_format.ParseDict({path[0]: [value] if field.is_repeated else value}, part, descriptor_pool=POOL)
    except json_format.ParseError as bad:
        raise ValueError(str(bad)) from None
    request.MergeFrom(part)
