from __future__ import annotations

from typing import Any

from bidengine.commit import Commit
from bidengine.needs import Volumes, leased_ips, needs, node_ports, volumes
from bidengine.runtimes import Overhead, Runtimes
from manifests.resources import Attribute, Endpoint, EndpointKind, Gpu, Resources, ResourceUnit, Storage

HTTP, PORT = Endpoint(EndpointKind.SHARED_HTTP), Endpoint(EndpointKind.RANDOM_PORT)


def ip(number: int) -> Endpoint:
    return Endpoint(EndpointKind.LEASED_IP, number)


def test_ports_belong_to_services_and_not_to_replicas(make: Any) -> None:
    spec = make.group(make.unit(1, count=50, endpoints=[HTTP, PORT, PORT]), make.unit(2, endpoints=[PORT]))
    assert node_ports(spec) == 3


def test_services_that_name_the_same_number_share_an_address(make: Any) -> None:
    spec = make.group(make.unit(1, count=33, endpoints=[ip(1), ip(1), PORT]), make.unit(2, endpoints=[ip(1), ip(2)]))
    assert leased_ips(spec) == 2


def test_each_replica_has_persistent_volumes_of_its_own(make: Any) -> None:
    kept = Storage("data", 10, (Attribute("class", "beta2"), Attribute("persistent", "true")))
    lost = Storage("default", 7, (Attribute("persistent", "false"),))
    spec = make.group(make.unit(1, count=3, storage=[lost, kept, kept]), make.unit(2, storage=[kept]))
    assert volumes(spec) == Volumes(7, 70)
    assert volumes(make.group(make.unit(1, count=3, storage=[lost]))) == Volumes()


def test_which_cards_would_do(make: Any) -> None:
    cards = (make.a100, make.h100, make.t4)
    one, either, any_, none = needs(
        make.group(
            make.unit(1, gpu=1, models=["a100"]),
            make.unit(2, gpu=1, models=["t4", "h100/ram/80Gi"]),
            make.unit(3, gpu=1, models=["*"]),
            make.unit(4, gpu=1, models=["a100/interface/pcie"]),
        ),
        Commit(),
    )
    assert one.cards(cards) == (make.a100,)
    assert either.cards(cards) == (make.h100, make.t4)
    assert any_.cards(cards) == cards
    assert none.cards(cards) == ()


def test_where_cards_of_several_vendors_would_do_the_most_that_one_takes_is_asked(make: Any) -> None:
    runtimes = Runtimes(known={"nvidia": Overhead(250, make.gib)})
    nvidia, amd, any_, none = needs(
        make.group(
            make.unit(1, gpu=1, models=["h100"]),
            with_attributes(make.unit(2), Attribute("vendor/amd/model/mi300x", "true")),
            with_attributes(make.unit(3)),
            make.unit(4),
        ),
        Commit(),
        runtimes,
    )
    assert [(n.ask.cpu_milli, n.runtime) for n in (nvidia, amd, any_, none)] == [
        (1250, "nvidia"), (1000, ""), (1250, "nvidia"), (1000, ""),
    ]  # fmt: skip


def with_attributes(unit: ResourceUnit, *attributes: Attribute) -> ResourceUnit:
    r = unit.resources
    return ResourceUnit(
        Resources(r.id, r.cpu, r.memory, r.storage, Gpu(1, attributes), r.endpoints), unit.count, unit.price
    )


def test_a_unit_that_names_no_card_takes_any_and_one_that_names_nonsense_takes_none(make: Any) -> None:
    unnamed, nonsense = needs(
        make.group(
            with_attributes(make.unit(1)),
            with_attributes(make.unit(2), Attribute("vendor/nvidia/model/a100/x/y", "true")),
        ),
        Commit(),
    )
    assert unnamed.cards((make.a100, make.t4)) == (make.a100, make.t4)
    assert nonsense.cards((make.a100, make.t4)) == ()
