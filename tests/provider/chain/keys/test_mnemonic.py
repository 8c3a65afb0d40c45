"""The checksum is verified, the wrong word is named, and the others never are (BIP-39's own vectors)."""

from __future__ import annotations

import pytest

from provider.chain.keys.mnemonic import seed, words

DEVNET = (
    "wild random elephant refuse clock effort menu barely broccoli team mind magnet pretty fashion fame category turtle"
    " rug exclude card view civil purity powder"
)


@pytest.mark.parametrize(
    "text",
    [
        "abandon " * 11 + "about",
        "legal winner thank year wave sausage worth useful legal winner thank yellow",
        "letter advice cage absurd amount doctor acoustic avoid letter advice cage above",
        "zoo " * 11 + "wrong",
        "abandon " * 14 + "address",
        "abandon " * 17 + "agent",
        "abandon " * 20 + "admit",
        "zoo " * 23 + "vote",
        DEVNET,
    ],
    ids=lambda text: f"{len(text.split())} words {text.split()[0]}",
)
def test_mnemonics_of_every_length_are_taken(text: str) -> None:
    assert words(f"\n {text.upper()} \n") == tuple(text.split())


def test_the_seed_is_bip_39s() -> None:
    # The first vector of BIP-39 without a passphrase, as other wallets derive it.
    found = seed(words("abandon " * 11 + "about")).hex()
    assert found.startswith("5eb00bbddcf069084889a8ab9155568165f5c453ccb85e70811aaed6f6da5fc1")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("one two three", "3 words"),
        ("", "0 words"),
        ("abandon " * 12 + "about", "13 words"),
        ("abandon " * 4 + "abandonn " + "abandon " * 6 + "about", r"word 5 of 12, 'abandonn', is not in"),
        ("abandon " * 12, "checksum is wrong"),
        (DEVNET.replace("wild random", "random wild"), "checksum is wrong"),
        (DEVNET.replace("civil purity", "civil puppy"), "checksum is wrong"),
    ],
    ids=["three", "none", "thirteen", "misspelt", "checksum", "changed places", "another word of the list"],
)
def test_what_is_wrong_is_told(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        words(text)


def test_right_words_are_never_repeated() -> None:
    with pytest.raises(ValueError) as caught:
        words(DEVNET.replace("menu", "menuu"))
    said = set(str(caught.value).replace(",", " ").replace("'", " ").split())
    assert not said & set(DEVNET.split())
