"""Lists of tenants: as text, with an end, and several made one."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bidengine.owners import Entry, edited, format_entry, merged, parse_owners, parse_time
from manifests.bech32 import encode
from manifests.errors import Invalid

ANN, BOB = encode("akash", b"\1" * 20), encode("akash", b"\2" * 20)
NEW_YEAR = 1_798_761_600


def test_a_list_is_read_line_by_line() -> None:
    text = f"""
    # whom we do not serve
    {ANN}

    {BOB} 2027-01-01   #  miner, again
    {ANN}\t2027-01-01T01:00:00+01:00
    {BOB}#glued
    """
    assert parse_owners(text, "deny.txt") == (
        Entry(ANN, None, "", "deny.txt"),
        Entry(BOB, NEW_YEAR, "miner, again", "deny.txt"),
        Entry(ANN, NEW_YEAR, "", "deny.txt"),
        Entry(BOB, None, "glued", "deny.txt"),
    )
    assert parse_owners("# nobody\n") == ()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("akash1nobody", "bech32"),
        (ANN[:-1] + "q", "wrong checksum"),
        (ANN.upper(), "not the address of an account"),
        (encode("cosmos", b"\1" * 20), "expected akash1"),
        (encode("akash", b"\1" * 7), "not the address of an account"),
        (f"{ANN} soon", "'soon' is not a date like 2027-01-31"),
        (f"{ANN} 2027-13-01", "is not a date"),
        (f"{ANN} 2027-01-01 miner", "expected ADDRESS [UNTIL] [# reason]"),
        ("<html>", "bech32"),
        ('{"owners": []}', "bech32"),
        ("a b c", "expected ADDRESS"),
    ],
)
def test_one_wrong_line_refuses_the_list_and_is_named(line: str, told: str) -> None:
    with pytest.raises(Invalid) as bad:
        parse_owners(f"{BOB}\n{line}\n")
    assert str(bad.value).startswith("line 2: ")
    assert told in str(bad.value)


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_a_list_that_has_lost_its_text_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="the list is empty"):
        parse_owners(text)


def test_what_is_found_instead_of_a_list_is_not_repeated_at_length() -> None:
    with pytest.raises(Invalid) as bad:
        parse_owners("a" * 10**6)
    assert len(str(bad.value)) < 300


@given(st.text(max_size=200))
def test_nothing_but_invalid_is_raised(text: str) -> None:
    with suppress(Invalid):
        parse_owners(text)


@given(st.sampled_from([ANN, BOB]), st.none() | st.integers(0, 4 * 10**9), st.text())
def test_what_is_written_is_read_back(owner: str, until: int | None, reason: str) -> None:
    line = format_entry(Entry(owner, until, reason))
    assert "\n" not in line
    (found,) = parse_owners(line)
    assert (found.owner, found.until_unix_s, found.reason.split()) == (owner, until, reason.split())


def test_an_entry_ends_with_its_last_second() -> None:
    assert [Entry(ANN, 100).holds(now) for now in (99, 100, 101)] == [True, False, False]
    assert Entry(ANN).holds(10**12)


@pytest.mark.parametrize(
    ("ends", "left"),
    [((5, 9, 7), 9), ((5, None, 9), None), ((None, 5), None), ((5, 5), 5)],
    ids=["the longest", "for good", "for good, first", "equals"],
)
def test_of_several_entries_the_longest_counts(ends: tuple[int | None, ...], left: int | None) -> None:
    found = merged(Entry(ANN, end, reason=str(n)) for n, end in enumerate(ends))
    assert found[ANN].until_unix_s == left
    assert found[ANN].reason == str(ends.index(left))


def test_a_list_is_edited_and_the_rest_of_it_stays() -> None:
    text = f"# ours\n{ANN}  # miner\n\n{BOB} 2027-01-01\n# {ANN}\n{ANN}#twice"
    assert edited(text, ANN, None) == f"# ours\n\n{BOB} 2027-01-01\n# {ANN}\n"
    assert edited(text, BOB, Entry(BOB, None, "for good")) == (
        f"# ours\n{ANN}  # miner\n\n# {ANN}\n{ANN}#twice\n{BOB}  # for good\n"
    )
    assert edited("", ANN, Entry(ANN)) == f"{ANN}\n"
    assert edited(f"{ANN}\n", ANN, None) == "# nobody\n", "an empty file would be refused"


def test_an_entry_in_a_sentence() -> None:
    assert str(Entry(ANN)) == ""
    assert str(Entry(ANN, NEW_YEAR, "miner", "deny.txt")) == "miner, listed in deny.txt, until 2027-01-01T00:00:00Z"


def test_a_date_without_a_zone_is_utc() -> None:
    assert parse_time("2027-01-01") == parse_time("2027-01-01T00:00:00") == parse_time("2027-01-01T00:00Z") == NEW_YEAR
