"""Where promises are counted when the cluster is not as it was when they were made. Counting itself is shown in
test_room.py and test_footprint.py."""

from __future__ import annotations

from typing import Any

from bidengine.commit import Commit
from bidengine.hold import Hold, HoldState
from bidengine.node import BoundPod, Inventory
from bidengine.packing import Packing
from bidengine.placement import Placement, Slot
from bidengine.tally import Tally


def promise(make: Any, dseq: int, *nodes: str, cpu: int = 1000, state: str = "bid", since: int = 10) -> Hold:
    slots = tuple(Slot(1, node, make.ask(cpu)) for node in nodes)
    spec = make.group(make.unit(cpu=cpu, count=len(nodes)))
    return Hold(make.order_id(dseq), spec, Placement(slots), HoldState(state), since)


def tally(inventory: Inventory, *holds: Hold) -> Tally:
    return Tally(inventory, {hold.order: hold for hold in holds}, Commit(), Packing())


def cpu(of: Tally) -> dict[str, int]:
    return {name: node.cpu_milli for name, node in of.free.nodes.items()}


def missing(of: Tally) -> dict[int, int]:
    return {order.dseq: len(f.missing) for order, f in of.footprints.items() if f.missing}


def test_room_taken_by_a_stranger_moves_the_promise(make: Any) -> None:
    """A pod of somebody else has left 500 of the promised 1000: what the lease will really take is node b."""
    found = tally(Inventory((make.node("a", 500), make.node("b", 4000))), promise(make, 1, "a"))
    assert cpu(found) == {"a": 500, "b": 3000}
    assert missing(found) == {}


def test_a_lease_placed_elsewhere_by_the_scheduler_moves_the_promise_it_crowds_out(make: Any) -> None:
    """Both were to go to their own node; the scheduler put the first one's pod onto the second one's."""
    nodes = (make.node("a", 2000), make.node("b", 2000))
    pods = {make.lease_id(1): (BoundPod("b", make.ask(2000)),)}
    one, two = promise(make, 1, "a", cpu=2000, state="leased"), promise(make, 2, "b", cpu=2000)
    found = tally(Inventory(nodes, lease_pods=pods), one, two)
    assert cpu(found) == {"a": 0, "b": 0}
    assert missing(found) == {}


def test_a_promise_that_stands_is_not_moved_by_one_that_must(make: Any) -> None:
    found = tally(
        Inventory((make.node("b", 1000), make.node("c", 1000))),
        promise(make, 1, "gone", state="leased"),
        promise(make, 2, "b"),
    )
    assert cpu(found) == {"b": 0, "c": 0}
    assert missing(found) == {}


def test_the_senior_moves_first(make: Any) -> None:
    """Three lost their node and there is room for two: the lease, then the older bid."""
    found = tally(
        Inventory((make.node("b", 2000),)),
        promise(make, 1, "gone", since=20),
        promise(make, 2, "gone", since=10),
        promise(make, 3, "gone", state="leased", since=30),
    )
    assert missing(found) == {1: 1}
    assert cpu(found) == {"b": 0}


def test_what_fits_nowhere_keeps_its_node_closed_and_is_told(make: Any) -> None:
    found = tally(Inventory((make.node("a", 600),)), promise(make, 1, "a"))
    assert cpu(found) == {"a": -400}
    assert missing(found) == {1: 1}


def test_when_the_room_comes_back_the_promise_goes_home(make: Any) -> None:
    hold = promise(make, 1, "a", "a")
    assert cpu(tally(Inventory((make.node("a", 1500), make.node("b", 1000))), hold)) == {"a": 500, "b": 0}
    assert cpu(tally(Inventory((make.node("a", 3000), make.node("b", 1000))), hold)) == {"a": 1000, "b": 1000}


def test_recounting_one_order_equals_counting_all(make: Any) -> None:
    inventory = Inventory((make.node("a", 4000), make.node("b", 4000)), node_ports=5)
    one, two = promise(make, 1, "a", "b"), promise(make, 2, "b")
    grown = tally(inventory, one)
    grown.recount(two.order, two)
    assert cpu(grown) == cpu(tally(inventory, one, two))
    grown.recount(one.order, None)
    assert cpu(grown) == cpu(tally(inventory, two))
