"""What comes up when, against a plain table that is walked each time."""

from __future__ import annotations

from random import Random

from bidengine.agenda import Agenda


def test_a_key_comes_up_at_its_height_and_stays_until_it_is_put_again() -> None:
    agenda: Agenda[str] = Agenda()
    agenda.put("a", 5)
    agenda.put("b", 7)
    assert agenda.due(4) == []
    assert agenda.due(5) == ["a"]
    assert agenda.due(6) == ["a"], "nobody has looked at it"
    agenda.put("a", 9)
    assert agenda.due(8) == ["b"]
    agenda.drop("b")
    assert agenda.due(20) == ["a"]
    assert "b" not in agenda
    assert (len(agenda), list(agenda)) == (1, ["a"])


def test_what_was_planned_before_counts_no_more() -> None:
    agenda: Agenda[str] = Agenda()
    agenda.put("a", 5)
    agenda.put("a", 50)
    assert agenda.due(49) == []
    agenda.put("a", 5)
    assert agenda.due(49) == ["a"], "what is put into the past is due at once"
    agenda.drop("a")
    assert agenda.due(100) == []


def test_as_a_table_would_have_it_and_without_keeping_more_than_twice_as_much() -> None:
    dice, agenda, table = Random(7), Agenda[int](), dict[int, int]()
    for height in range(3_000):
        for _ in range(dice.randrange(4)):
            key = dice.randrange(40)
            if dice.random() < 0.2:
                agenda.drop(key)
                table.pop(key, None)
            else:
                table[key] = height + dice.choice((0, 1, 5, 100, 10_000))
                agenda.put(key, table[key])
        assert set(agenda.due(height)) == {key for key, at in table.items() if at <= height}
        assert len(agenda._heap) <= 2 * len(table) + 64
