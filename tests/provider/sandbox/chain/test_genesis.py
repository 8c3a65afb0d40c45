"""How a chain starts."""

from __future__ import annotations

import gzip
from pathlib import Path

from provider.sandbox.chain.genesis import ESCROW, FEE_COLLECTOR, Genesis


def test_module_accounts_have_the_addresses_of_the_real_chain() -> None:
    assert ESCROW == "akash14pphss726thpwws3yc458hggufynm9x77l4l2u"
    assert FEE_COLLECTOR == "akash17xpfvakm2amg962yls6f84z3kell8c5lazw8j8"


def test_the_recorded_genesis_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "genesis.json"
    path.write_bytes(gzip.decompress((Path(__file__).parent / "data" / "genesis.json.gz").read_bytes()))
    found = Genesis.load(path, 7)
    assert (found.chain_id, found.genesis_time_unix_ns) == ("local", 7)
    assert next(iter(found.balances)) == "akash1dge0lcc5rqxkw52rgav4q0fyhx7arcufmrkyww"
    assert found.params.min_gas_price_e18 == 25 * 10**15
    assert found.params.min_reclamation_window_ns == 10 * 10**9
    assert found.params.send_disabled == {"uact"}
