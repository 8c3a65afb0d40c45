"""Accounts: who has which number, when a key becomes known, and what is told about strangers."""

from __future__ import annotations

from typing import Any

import pytest

from provider.chain.wire import message
from provider.sandbox.chain.accounts import account, ensure, save
from provider.sandbox.chain.errors import QueryError
from provider.sandbox.chain.genesis import AT_START
from provider.sandbox.chain.store import Layer, Store

AUTH = "cosmos.auth.v1beta1.Query"
FIRST, SECOND = "akash1365yvmc4s7awdyj3n2sav7xfx76adc6dnmlx63", "akash1dge0lcc5rqxkw52rgav4q0fyhx7arcufmrkyww"
"""accounts of the recorded chains, strangers here"""


def info(chain: Any, address: str) -> Any:
    return chain.ask(f"{AUTH}/AccountInfo", address=address).info


def pay(chain: Any, to: str) -> Any:
    return message("cosmos.bank.v1beta1.MsgSend")(
        from_address=chain["auditor"], to_address=to, amount=[{"denom": "uakt", "amount": "1"}]
    )


def test_numbers_go_to_the_genesis_accounts_then_to_the_modules(chain: Any) -> None:
    numbers = [info(chain, address).account_number for address in (*map(chain.__getitem__, chain.keys), *AT_START)]
    assert numbers == list(range(len(chain.keys) + len(AT_START)))


def test_an_account_begins_with_the_first_coin_it_receives(chain: Any) -> None:
    chain.must("auditor", pay(chain, SECOND), pay(chain, FIRST))
    chain.must("auditor", pay(chain, FIRST))
    free = len(chain.keys) + len(AT_START)
    assert (info(chain, SECOND).account_number, info(chain, FIRST).account_number) == (free, free + 1)
    assert info(chain, FIRST) == message("cosmos.auth.v1beta1.BaseAccount")(address=FIRST, account_number=free + 1)


def test_a_number_is_given_once_and_what_is_saved_stays(chain: Any) -> None:
    store = Layer(Store().at(0))
    for address in ("a", "b", "a"):
        ensure(store, address)
    changed = account(store, "a")
    changed.sequence = 9
    assert account(store, "a").sequence == 0, "nothing is saved by changing what was read"
    save(store, changed)
    ensure(store, "a")
    ensure(store, "c")
    found = {name: account(store, name) for name in ("a", "b", "c")}
    assert {name: (a.account_number, a.sequence) for name, a in found.items()} == {
        "a": (0, 9),
        "b": (1, 0),
        "c": (2, 0),
    }
    assert account(store, "d") is None


def test_the_first_signature_tells_the_key_even_of_a_message_that_fails(chain: Any) -> None:
    assert not info(chain, chain["tenant"]).HasField("pub_key")
    assert chain.app.check_tx(chain.tx("tenant", chain.close_deployment(404))).code == 0
    assert not info(chain, chain["tenant"]).HasField("pub_key"), "the mempool's view is nobody's but its own"
    assert chain.send("tenant", chain.close_deployment(404)).code != 0
    found = info(chain, chain["tenant"])
    key = message("cosmos.crypto.secp256k1.PubKey").FromString(found.pub_key.value).key
    assert (found.pub_key.type_url, key) == ("/cosmos.crypto.secp256k1.PubKey", chain.keys["tenant"].public)
    assert found.sequence == 1


def test_both_questions_have_the_same_answer(chain: Any) -> None:
    box = chain.ask(f"{AUTH}/Account", address=chain["p1"]).account
    assert box.type_url == "/cosmos.auth.v1beta1.BaseAccount"
    assert message("cosmos.auth.v1beta1.BaseAccount").FromString(box.value) == info(chain, chain["p1"])


@pytest.mark.parametrize("method", ["AccountInfo", "Account"])
@pytest.mark.parametrize(
    ("address", "status", "text"),
    [
        ("", "INVALID_ARGUMENT", "address cannot be empty"),
        ("x", "UNKNOWN", "decoding bech32 failed: invalid bech32 string length 1"),
        ("akash1x", "UNKNOWN", "decoding bech32 failed: invalid bech32 string length 7"),
        ("akash1xx", "UNKNOWN", "decoding bech32 failed: 'akash1xx' is not a bech32 address"),
        (FIRST[:-1] + "4", "UNKNOWN", "decoding bech32 failed: "),
        (
            "cosmos1qyqszqgpqyqszqgpqyqszqgpqyqszqgpjnp7du",
            "UNKNOWN",
            "decoding bech32 failed: invalid Bech32 prefix; expected akash, got cosmos",
        ),
        (FIRST, "NOT_FOUND", f"account {FIRST} not found"),
    ],
    ids=["empty", "one letter", "seven letters", "eight letters", "mistyped", "another chain's", "never paid"],
)
def test_who_is_not_known(chain: Any, method: str, address: str, status: str, text: str) -> None:
    with pytest.raises(QueryError) as no:
        chain.ask(f"{AUTH}/{method}", address=address)
    assert no.value.status == status
    assert no.value.text.startswith(text)
