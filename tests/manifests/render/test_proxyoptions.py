from __future__ import annotations

import pytest

from manifests.manifest import HttpOptions
from manifests.render.proxyoptions import proxy_options


@pytest.mark.parametrize(("milliseconds", "seconds"), [(60000, 60), (1, 1), (1500, 2), (0, 0)])
def test_times_are_whole_seconds_rounded_up(milliseconds, seconds):
    said = proxy_options(HttpOptions(read_timeout_ms=milliseconds, next_timeout_ms=milliseconds))
    assert (said.read_s, said.next_s) == (seconds, seconds)


@pytest.mark.parametrize(
    ("case", "cases", "expected"),
    [
        ("as the SDL fills it in", ("error", "timeout"), "error timeout"),
        ("statuses get their prefix", ("500", "502", "error"), "http_500 http_502 error"),
        ("off stands alone", ("error", "off"), "off"),
        ("an empty word is nothing", ("", "error"), "error"),
        ("only an empty word", ("",), "error timeout"),
        ("none at all", (), "error timeout"),
        ("an unknown status", ("418", "503"), "http_503"),
        ("a smuggled directive", ("error; proxy_pass http://x", "timeout"), "timeout"),
        ("a newline", ("error\n}",), "error timeout"),
        ("twice the same", ("502", "502"), "http_502"),
    ],
)
def test_only_known_conditions_reach_the_proxy(case, cases, expected):
    assert proxy_options(HttpOptions(next_cases=cases)).next_upstream == expected


def test_a_body_limit_of_zero_stands_for_the_defaults():
    assert proxy_options(HttpOptions(0, 0, 0, 0, 0, ())) == proxy_options(HttpOptions())


@pytest.mark.parametrize(("size", "expected"), [(0, ""), (16384, "16k"), (1, "1k"), (1 << 32, "1024k")])
def test_a_proxy_buffer_is_given_in_kibibytes_and_bounded(size, expected):
    assert proxy_options(HttpOptions(proxy_buffer_size_bytes=size)).buffer == expected
