"""Counters count, gauges are read from live state at the moment of the scrape."""

from __future__ import annotations

from collections.abc import Iterator

from provider.metrics import HELP, Metrics, Sample


def test_gauges_are_read_when_asked_for() -> None:
    metrics = Metrics()
    height = 7

    def gauges() -> Iterator[Sample]:
        yield "akp_height", {}, height
        yield "akp_free", {"resource": "cpu_milli"}, 500
        yield "akp_free", {"resource": "gpu"}, 2

    metrics.watch(gauges)
    height = 8
    text = metrics.text().decode()
    assert "akp_height 8.0" in text
    assert 'akp_free{resource="gpu"} 2.0' in text


def test_counters_count_and_two_registries_do_not_mix() -> None:
    one, other = Metrics(), Metrics()
    one.declines.labels(reason="skip.capacity.gpu_model").inc()
    assert 'akp_declines_total{reason="skip.capacity.gpu_model"} 1.0' in one.text().decode()
    assert "skip.capacity.gpu_model" not in other.text().decode()


def test_every_gauge_has_its_help() -> None:
    assert all(name.startswith("akp_") and text.endswith(".") for name, text in HELP.items())
