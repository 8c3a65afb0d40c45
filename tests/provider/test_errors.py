from __future__ import annotations

from provider.errors import AkpError, ConfigError, Conflict, NotFound, Refused, Retry, TxRefused, Unreachable


def test_a_config_error_is_one_line_with_place_and_cure() -> None:
    assert (
        str(ConfigError("akp.yaml: chain.id", "not a chain", "Write akashnet-2."))
        == "akp.yaml: chain.id: not a chain. Write akashnet-2."
    )


def test_refusals_of_the_chain_carry_code_and_text() -> None:
    assert str(TxRefused("market", 23, "order active")) == "market 23: order active"
    assert str(TxRefused("", 0, "order active")) == "order active"


def test_the_tree() -> None:
    assert issubclass(Unreachable, Retry)
    assert all(issubclass(e, Refused) for e in (NotFound, Conflict, TxRefused))
    assert all(issubclass(e, AkpError) for e in (Retry, Refused, ConfigError))
    assert Retry("later", after_s=3).after_s == 3
