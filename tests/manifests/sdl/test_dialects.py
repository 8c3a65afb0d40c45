"""Where tools disagree about a file, and what makes them agree."""

from __future__ import annotations

from typing import Any

import pytest

from manifests.sdl import compile_sdl

AGREED = "true or false"


@pytest.mark.parametrize(
    ("parts", "old", "new", "path", "words"),
    [
        ({"version": "2"}, "", "", "version", "rules of 2.0"),
        ({"version": "3.0"}, "", "", "version", "rules of 2.1"),
        ({"top": "endpoints: {}\nendpoints: {}"}, "", "", "endpoints", "join the two blocks"),
        ({}, '"2.0"', "2.0", "version", 'version: "2.0"'),
        ({}, "global: true", "global: yes", "services.app.expose[0].to[0].global", AGREED),
        ({}, "global: true", 'global: "on"', "services.app.expose[0].to[0].global", AGREED),
        ({"expose": "accept: []"}, "", "", "services.app.expose[0].accept", "another version hash"),
        (
            {"service": "params: {storage: {default: {mount: /a, readOnly: no}}}"},
            *("", "", "services.app.params.storage.default.readOnly", AGREED),
        ),
    ],
)
def test_a_spot(sdl: Any, parts: dict[str, str], old: str, new: str, path: str, words: str) -> None:
    (warning,) = compile_sdl(sdl(**parts).replace(old, new, 1)).warnings
    assert warning.path == path
    assert words in warning.message
    assert warning.line


@pytest.mark.parametrize("word", ["true", "True", "TRUE"])
def test_words_that_mean_the_same_everywhere(sdl: Any, word: str) -> None:
    text = sdl(service="params: {storage: {default: {mount: /a, readOnly: }}}")
    assert compile_sdl(text.replace("global: true", f"global: {word}")).warnings == ()
