from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidengine.commit import Commit
from bidengine.node import Ask, BoundPod, Inventory, Node
from bidengine.packing import Packing, Strategy
from bidengine.placement import Placement
from bidengine.reasons import Decline, Reason
from bidengine.room import Hold, HoldState, Room
from manifests.resources import Endpoint, EndpointKind, GroupSpec

PORT = Endpoint(EndpointKind.RANDOM_PORT)
IP = Endpoint(EndpointKind.LEASED_IP, 1)


def fitted(room: Room, spec: GroupSpec) -> Placement:
    found = room.fit(spec)
    assert isinstance(found, Placement), found
    return found


def held(room: Room, order: Any, spec: GroupSpec, height: int = 10) -> Hold:
    found = room.hold(order, spec, fitted(room, spec), height=height)
    assert isinstance(found, Hold), found
    return found


@pytest.fixture
def see(make: Any) -> Callable[..., Room]:
    """A room that has seen a cluster: see(node, node, ..., storage={...}, ports=…, room=the one to tell)."""

    def _see(*nodes: Node, room: Room | None = None, pods: Any = None, claims: Any = None, **rest: Any) -> Room:
        room = room or Room(Commit())
        storage = {c: gib * make.gib for c, gib in rest.get("storage", {}).items()}
        room.see(Inventory(nodes, storage, pods or {}, claims or {}, rest.get("ports", 0), rest.get("ips", 0)))
        return room

    return _see


def cpu(room: Room) -> dict[str, int]:
    return {n.name: n.cpu_milli for n in room.free().nodes}


def pods_of(hold: Hold) -> tuple[BoundPod, ...]:
    return tuple(BoundPod(s.node, s.ask, s.gpu) for s in hold.placement.slots)


def test_fit_leaves_no_trace(make: Any, see: Any) -> None:
    room = see(make.node("a"), ports=3)
    before = room.free()
    spec = make.group(make.unit(count=3, endpoints=[PORT]))
    assert room.fit(spec) == room.fit(spec)
    assert room.free() == before
    assert not room.holds


def test_a_hold_takes_and_a_release_gives_back_at_once(make: Any, see: Any) -> None:
    room = see(make.node("a", gpus={make.t4: 4}, classes=["beta3"]), storage={"beta3": 100}, ports=5, ips=2)
    before = room.free()
    spec = make.group(
        make.unit(count=2, gpu=1, models=["t4"], storage=[make.volume(10, "beta3")], endpoints=[PORT, PORT, IP])
    )
    held(room, make.order_id(1), spec)
    left = room.free()
    assert cpu(room) == {"a": 14_000}
    assert left.nodes[0].gpus == {make.t4: 2}
    assert left.nodes[0].pods == 108
    assert (left.storage_bytes["beta3"], left.node_ports, left.leased_ips) == (80 * make.gib, 3, 1)
    room.release(make.order_id(1))
    assert room.free() == before


def test_calling_twice_counts_once(make: Any, see: Any) -> None:
    room = see(make.node("a"))
    spec, order, lease = make.group(make.unit()), make.order_id(1), make.lease_id(1)
    placement = fitted(room, spec)
    first = room.hold(order, spec, placement, height=10)
    assert room.hold(order, spec, placement, height=11) == first
    assert cpu(room) == {"a": 15_000}
    for _ in range(2):
        room.bid(order, height=12)
        assert (room.holds[order].state, room.holds[order].since) == (HoldState.BID, 12)
    for height in (13, 14):
        room.lease(lease, height=height)
        assert (room.holds[order].state, room.holds[order].since, room.holds[order].lease) == ("leased", 13, lease)
    room.bid(order, height=15)
    assert room.holds[order].state is HoldState.LEASED
    assert room.adopt(lease, spec, height=16) == room.holds[order]
    assert cpu(room) == {"a": 15_000}
    room.release(order)
    room.release(order)
    assert cpu(room) == {"a": 16_000}
    assert room.bid(order) is None
    assert room.lease(lease) is None


def test_two_orders_cannot_be_promised_the_same_room(make: Any, see: Any) -> None:
    room = see(make.node("a", 1000))
    spec = make.group(make.unit())
    placement = fitted(room, spec)
    held(room, make.order_id(1), spec)
    late = room.hold(make.order_id(2), spec, placement, height=10)
    assert late == Decline(
        Reason.NO_NODE_FIT, "taken by another order meanwhile: no room on node a for unit 1", final=False
    )
    assert list(room.holds) == [make.order_id(1)]


@pytest.mark.parametrize(
    ("endpoint", "reason", "left"),
    [(PORT, Reason.NO_NODE_PORT, "no node ports left"), (IP, Reason.NO_IP, "no leased IPs left")],
)
def test_the_last_port_and_the_last_address_are_promised_once(
    make: Any, see: Any, endpoint: Any, reason: Reason, left: str
) -> None:
    room = see(make.node("a"), ports=1, ips=1)
    spec = make.group(make.unit(endpoints=[endpoint]))
    placement = fitted(room, spec)
    held(room, make.order_id(1), spec)
    assert isinstance(room.fit(spec), Decline)
    late = room.hold(make.order_id(2), spec, placement, height=10)
    assert isinstance(late, Decline)
    assert left in late.detail
    assert late.reason is reason
    assert room.free().nodes[0].pods == 109


def test_the_last_bytes_of_a_class_are_promised_once(make: Any, see: Any) -> None:
    room = see(make.node("a", classes=["beta3"]), make.node("b", classes=["beta3"]), storage={"beta3": 10})
    spec = make.group(make.unit(storage=[make.volume(10, "beta3")]))
    placement = fitted(room, spec)
    held(room, make.order_id(1), spec)
    assert isinstance(room.hold(make.order_id(2), spec, placement, height=10), Decline)
    assert room.free().storage_bytes == {"beta3": 0}


def test_one_storage_under_two_names_is_promised_once(make: Any) -> None:
    """A class `beta3` that is the cluster's default, too: ten GiB in all, by whichever name they are asked for."""
    gib = make.gib
    node = make.node("a", classes=["beta3", "default"])
    room = Room(Commit())

    def look(claims: int = 0) -> None:
        lease = make.order_id(1).bid_of("akash1us")
        room.see(
            Inventory(
                (node,), {"beta3": 10 * gib, "default": 10 * gib}, same_storage={"default": "beta3"},
                lease_claims={lease: {"beta3": claims}} if claims else {},
            )
        )  # fmt: skip

    def left() -> set[int]:
        return set(room.free().storage_bytes.values())

    def of(*classes: str) -> Any:
        return make.group(make.unit(storage=[make.volume(6, c) for c in classes]))

    look()
    for order in (
        of("beta3", "default"),
        make.group(*(make.unit(n, storage=[make.volume(6, c)]) for n, c in ((1, "beta3"), (2, "default")))),
    ):
        found = room.fit(order)
        assert isinstance(found, Decline)
        assert found.reason is Reason.NO_STORAGE_CLASS
    for number, mine, other in ((1, "default", "beta3"), (2, "beta3", "default")):
        placement = room.fit(of(mine))
        assert isinstance(placement, Placement)
        room.hold(make.order_id(number), of(mine), placement, height=1)
        assert left() == {4 * gib}
        assert isinstance(room.fit(of(other)), Decline)
        if number == 1:
            look(claims=6 * gib)
            assert left() == {4 * gib}, "the claim is what was promised"
            room.release(make.order_id(1))
            assert left() == {4 * gib}, "it counts until it is gone"
            look()
            assert left() == {10 * gib}


def test_before_the_cluster_is_seen_nothing_fits(make: Any) -> None:
    assert isinstance(Room(Commit()).fit(make.group(make.unit())), Decline)


def test_a_lease_is_counted_once_from_promise_to_running_pods(make: Any, see: Any) -> None:
    nodes = (make.node("a", 4000), make.node("b", 4000))
    room = see(*nodes)
    spec, lease = make.group(make.unit(cpu=1500, count=2)), make.lease_id(1)
    hold = held(room, lease.order, spec)
    room.lease(lease)
    used = 8000 - sum(cpu(room).values())
    for running in (pods_of(hold)[:1], pods_of(hold), ()):
        see(*nodes, room=room, pods={lease: running})
        assert 8000 - sum(cpu(room).values()) == used == 3000


def test_a_lease_that_was_placed_elsewhere_counts_where_it_runs(make: Any, see: Any) -> None:
    nodes = (make.node("a", 2000), make.node("b", 4000))
    room = see(*nodes)
    hold = held(room, make.order_id(1), make.group(make.unit()))
    assert hold.placement.slots[0].node == "a"
    see(*nodes, room=room, pods={make.lease_id(1): (BoundPod("b", make.ask()),)})
    assert cpu(room) == {"a": 2000, "b": 3000}


def test_a_rollout_counts_its_extra_pod(make: Any, see: Any) -> None:
    nodes = (make.node("a"),)
    room = see(*nodes)
    hold = held(room, make.order_id(1), make.group(make.unit(1), make.unit(2, cpu=2000)))
    web = BoundPod("a", make.ask())
    see(*nodes, room=room, pods={make.lease_id(1): (web, web)})
    assert cpu(room) == {"a": 16_000 - 2 * 1000 - 2000}
    assert hold == room.holds[make.order_id(1)]


def test_pods_of_a_released_lease_count_until_they_are_gone(make: Any, see: Any) -> None:
    nodes = (make.node("a", classes=["beta3"]),)
    room = see(*nodes, storage={"beta3": 50})
    lease = make.lease_id(1)
    hold = held(room, lease.order, make.group(make.unit(storage=[make.volume(10, "beta3")])))
    see(*nodes, room=room, pods={lease: pods_of(hold)}, claims={lease: {"beta3": 10 * make.gib}}, storage={"beta3": 50})
    room.release(lease.order)
    assert cpu(room) == {"a": 15_000}
    assert room.free().storage_bytes == {"beta3": 40 * make.gib}
    see(*nodes, room=room, storage={"beta3": 50})
    assert cpu(room) == {"a": 16_000}
    assert room.free().storage_bytes == {"beta3": 50 * make.gib}


def test_a_lease_we_hold_nothing_for_counts_by_its_pods(make: Any, see: Any) -> None:
    room = see(make.node("a", gpus={make.t4: 4}), pods={make.lease_id(1): (BoundPod("a", make.ask(gpu=3), make.t4),)})
    assert room.free().nodes[0].gpus == {make.t4: 1}
    assert not room.holds


@pytest.mark.parametrize("seen_as", [None, "other"])
def test_gpus_of_a_pod_whose_card_is_unclear_are_not_sold_again(make: Any, see: Any, seen_as: str | None) -> None:
    card = make.h100 if seen_as else None
    pod = BoundPod("a", make.ask(gpu=3), card)
    room = see(make.node("a", gpus={make.t4: 4}), pods={make.lease_id(1): (pod,)})
    assert room.free().nodes[0].gpus == {make.t4: 1}


def test_a_restart_changes_no_figure(make: Any, see: Any) -> None:
    """D8: the reference counted every running lease twice until it had been seen healthy."""
    nodes = tuple(make.node(f"n{i}", gpus={make.a100: 2}, classes=["beta3"]) for i in range(4))
    spec = make.group(make.unit(1, gpu=1, models=["*"], storage=[make.volume(2, "beta3")]), make.unit(2, count=2))
    room = see(*nodes, storage={"beta3": 50})
    pods, claims = {}, {}
    for dseq in range(1, 7):
        hold = held(room, make.order_id(dseq), spec)
        lease = make.lease_id(dseq)
        room.lease(lease)
        pods[lease], claims[lease] = pods_of(hold), {"beta3": 2 * make.gib}
    before = room.free()
    again = see(*nodes, storage={"beta3": 50}, pods=pods, claims=claims)
    assert again.free() == before
    for lease in pods:
        again.adopt(lease, spec, height=99)
        assert again.free() == before
    assert {o: h.placement for o, h in again.holds.items()} == {o: h.placement for o, h in room.holds.items()}


def test_a_lease_is_kept_even_where_it_does_not_fit(make: Any, see: Any) -> None:
    room = see(make.node("a", 1500))
    hold = room.adopt(make.lease_id(1), make.group(make.unit(count=3)), height=5)
    assert [s.node for s in hold.placement.slots] == ["a", "", ""]
    assert len(room.missing[make.order_id(1)]) == 2
    assert cpu(room) == {"a": 500}
    see(make.node("a", 1500), make.node("b", 9000), room=room)
    assert not room.missing
    assert cpu(room) == {"a": 500, "b": 7000}


def test_slots_of_a_vanished_node_move_where_they_fit_or_are_missing(make: Any, see: Any) -> None:
    room = see(make.node("a", 2000))
    hold = held(room, make.order_id(1), make.group(make.unit(count=2)))
    see(make.node("b", 1500), room=room)
    assert cpu(room) == {"b": 500}
    assert room.missing == {make.order_id(1): hold.placement.slots[:1]}
    see(make.node("a", 2000), make.node("b", 1500), room=room)
    assert cpu(room) == {"a": 0, "b": 1500}
    assert not room.missing


def test_the_homeless_go_where_those_with_a_node_have_left_room(make: Any, see: Any) -> None:
    room = see(make.node("gone", 1000), make.node("b", 2000))
    for dseq in (1, 2, 3):
        held(room, make.order_id(dseq), make.group(make.unit()))
    room.lease(make.lease_id(1))
    see(make.node("b", 2000), room=room)
    assert cpu(room) == {"b": 0}
    assert [o.dseq for o in room.missing] == [1]
    room.release(make.order_id(3))
    see(make.node("b", 2000), room=room)
    assert not room.missing


def test_a_shrunken_node_shows_nothing_and_remembers_its_deficit(make: Any, see: Any) -> None:
    room = see(make.node("a", 4000))
    held(room, make.order_id(1), make.group(make.unit(cpu=3000)))
    see(make.node("a", 1000), room=room)
    assert cpu(room) == {"a": 0}
    room.release(make.order_id(1))
    assert cpu(room) == {"a": 1000}


def test_the_given_inventory_is_left_alone(make: Any, see: Any) -> None:
    node = make.node("a", gpus={make.t4: 2})
    room = see(node)
    held(room, make.order_id(1), make.group(make.unit(gpu=1, models=["*"])))
    assert node == make.node("a", gpus={make.t4: 2})


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "hold",
                "hold",
                "bid",
                "lease",
                "adopt",
                "release",
                "see",
                "run",
                "stray",
                "stop",
                "crowd",
                "shrink",
                "grow",
            ]
        ),
        st.integers(1, 5),
        st.integers(0, 3),
    ),
    max_size=30,
)
PACKINGS = st.sampled_from([Packing(), Packing(Strategy.SPREAD), Packing(Strategy.PROTECT_GPU, 25)])


@settings(max_examples=150, deadline=None)
@given(STEPS, PACKINGS)
def test_room_is_conserved_over_any_history(make: Any, steps: list[tuple[str, int, int]], packing: Packing) -> None:
    """Whatever happens: what is free and what is counted add up to what there is, each replica is counted once, a new
    promise oversells nothing, and a fresh Room that is told the same arrives at the same figures."""
    specs = [
        make.group(make.unit(cpu=1000, count=2)),
        make.group(make.unit(cpu=3000, gpu=1, models=["*"])),
        make.group(make.unit(1, cpu=500, storage=[make.volume(1, "beta3")]), make.unit(2, cpu=2000)),
        make.group(make.unit(cpu=1000, gpu=2, models=["a100"], endpoints=[PORT])),
    ]
    everything = [
        make.node("a", 6000, classes=["beta3"]),
        make.node("b", 8000, gpus={make.a100: 4}, classes=["beta3"]),
        make.node("c", 4000, gpus={make.t4: 2}),
    ]
    nodes, pods, claims = list(everything), {}, {}
    room = Room(Commit(), packing)

    def inventory() -> Inventory:
        return Inventory(tuple(nodes), {"beta3": 5 * make.gib}, dict(pods), dict(claims), 4, 0)

    room.see(inventory())
    for verb, dseq, pick in steps:
        order, lease, spec = make.order_id(dseq), make.lease_id(dseq), specs[pick]
        match verb:
            case "hold":
                found, oversold = room.fit(spec), deficits(room)
                assert room.fit(spec) == found
                if isinstance(found, Placement):
                    done = room.hold(order, spec, found, height=1)
                    assert isinstance(done, Hold)
                    assert deficits(room) <= oversold
            case "bid":
                room.bid(order)
            case "lease":
                room.lease(lease)
            case "adopt":
                assert room.adopt(lease, spec, height=1).state is HoldState.LEASED
            case "release":
                room.release(order)
            case "run" if order in room.holds:
                slots = room.holds[order].placement.slots
                pods[lease] = tuple(BoundPod(s.node or "a", s.ask, s.gpu) for s in slots[: pick + 1])
                claims[lease] = {"beta3": make.gib} if any(s.ask.volumes for s in slots) else {}
            case "stray" if lease in pods:  # the scheduler chose another node than we had planned
                pods[lease] = tuple(replace(pod, node="abc"[pick % 3]) for pod in pods[lease])
            case "stop":
                pods.pop(lease, None)
                claims.pop(lease, None)
            case "crowd":  # somebody else's pod has come
                nodes[-1] = replace(nodes[-1], cpu_milli=max(0, nodes[-1].cpu_milli - 1000 * pick))
            case "shrink":
                nodes[:] = everything[: max(1, pick)]
            case "grow":
                nodes[:] = everything
            case _:
                pass
        if verb in ("see", "run", "stray", "stop", "crowd", "shrink", "grow"):
            room.see(inventory())
        check(room, inventory())


def check(room: Room, inventory: Inventory) -> None:
    """By an own count: every pod of a lease, plus every slot that no pod of its shape stands for, and nothing else."""
    pods = {lease.order: found for lease, found in inventory.lease_pods.items()}
    names = {n.name for n in inventory.nodes}
    wanted_cpu = wanted_pods = wanted_gpus = ports = 0
    for order in {*pods, *room.holds}:
        running = pods.get(order, ())
        counted = [p for p in running if p.node in names]
        wanted_cpu += sum(p.ask.cpu_milli for p in counted)
        wanted_gpus += sum(p.ask.gpu_units for p in counted)
        wanted_pods += len(counted)
        slots = list(room.holds[order].placement.slots) if order in room.holds else []
        for pod in running:
            same = [s for s in slots if shape(s.ask) == shape(pod.ask)]
            if same:
                slots.remove(next((s for s in same if s.node == pod.node), same[0]))
        gone = [s for s in room.missing.get(order, ()) if s.node not in names]
        wanted_cpu += sum(s.ask.cpu_milli for s in slots) - sum(s.ask.cpu_milli for s in gone)
        wanted_gpus += sum(s.ask.gpu_units for s in slots) - sum(s.ask.gpu_units for s in gone)
        wanted_pods += len(slots) - len(gone)
        if order in room.holds:
            spec = room.holds[order].spec
            ports += sum(e is PORT or e == PORT for u in spec.resources for e in u.resources.endpoints)
    raw = room._free  # the figures before they are cut at zero
    assert sum(n.cpu_milli for n in inventory.nodes) - sum(n.cpu_milli for n in raw.nodes.values()) == wanted_cpu
    assert sum(n.pods for n in inventory.nodes) - sum(n.pods for n in raw.nodes.values()) == wanted_pods
    there, left = (sum(sum(n.gpus.values()) for n in ns) for ns in (inventory.nodes, raw.nodes.values()))
    uncounted = sum(
        ask.gpu_units
        for f in room._tally.footprints.values()
        for node, ask, _ in f.places
        if node in names and not gpus_on(raw, node)
    )
    assert there - left == wanted_gpus - uncounted
    assert inventory.node_ports - raw.node_ports == ports
    shown = room.free()
    assert all(min(n.cpu_milli, n.memory_bytes, n.ephemeral_bytes, n.pods, *n.gpus.values()) >= 0 for n in shown.nodes)
    assert min(shown.node_ports, *shown.storage_bytes.values()) >= 0
    again = Room(room.commit, room.packing)
    again._holds = dict(room.holds)
    again.see(inventory)
    before = room.free()
    room.see(inventory)
    assert room.free() == again.free()
    if not room.missing and all(at_home(room, h) for h in room.holds.values()):
        assert room.free() == before


def deficits(room: Room) -> set[str]:
    """Nodes of which more is promised or used than there is."""
    return {
        n.name
        for n in room._free.nodes.values()
        if min(n.cpu_milli, n.memory_bytes, n.ephemeral_bytes, n.pods, *n.gpus.values()) < 0
    }


def at_home(room: Room, hold: Hold) -> bool:
    """Whether each slot is counted on the node it was promised on, or on that of a pod."""
    counted = [node for node, _, _ in room._tally.footprints[hold.order].places]
    return all(slot.node in counted for slot in hold.placement.slots)


def gpus_on(raw: Any, node: str) -> bool:
    return bool(raw.nodes[node].gpus)


def shape(ask: Ask) -> tuple[int, int, int, int]:
    return ask.cpu_milli, ask.memory_bytes, ask.ephemeral_bytes, ask.gpu_units
