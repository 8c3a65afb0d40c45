"""Why an object is not as rendered."""

from __future__ import annotations

from provider.cluster.routes.written import Unlike, Written

AS, OTHERWISE = {"port": 80}, {"port": 81}


def test_a_change_is_told_from_a_new_rendering_and_from_news_that_have_not_come() -> None:
    written = Written[str]()
    assert written.unlike("a", AS, "1", 0.0) is Unlike.OUTDATED, "nobody knows as what it was written"
    written.put("a", AS, "1")
    assert written.unlike("a", AS, "1", 0.0) is Unlike.UNSEEN
    assert written.unlike("a", OTHERWISE, "1", 0.0) is Unlike.OUTDATED
    assert written.unlike("a", AS, "2", 0.0) is Unlike.CHANGED


def test_what_was_as_rendered_at_the_last_look_is_seen() -> None:
    written = Written[str]()
    written.put("a", AS, "1")
    written.put("a", AS)
    assert written.unlike("a", AS, "1", 0.0) is Unlike.CHANGED


def test_a_change_that_comes_back_is_left_for_a_while_and_nothing_is_known_of_what_is_over() -> None:
    written = Written[str]()
    for key in ("a", "b"):
        written.put(key, AS, "1")
        written.undone(key, 100.0)
    assert written.unlike("a", AS, "2", 105.0) is Unlike.FOUGHT_OVER
    assert written.unlike("a", AS, "2", 110.0) is Unlike.CHANGED
    assert written.forget(lambda key: key == "a") == ["a"]
    assert written.unlike("a", AS, "1", 105.0) is Unlike.OUTDATED
    assert written.unlike("b", AS, "1", 105.0) is Unlike.UNSEEN
    written.put("a", AS, "1")
    assert written.unlike("a", AS, "2", 105.0) is Unlike.CHANGED
