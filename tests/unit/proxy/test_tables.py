"""The text that is loaded: whole at first, then what differs, never more."""

from __future__ import annotations

from proxy.rules.cleanup import cleanup_text
from proxy.rules.endpoints import merge_slices
from proxy.rules.model import NodeSettings
from proxy.rules.rule_cache import RuleCache
from proxy.rules.services import service_ports
from proxy.rules.tables import Tables, full_text, incremental_text
from tests.unit.proxy.objects import endpoint, endpoint_slice, service


def cache_of(*names: str) -> RuleCache:
    cache = RuleCache(NodeSettings())
    for number, name in enumerate(names):
        slices = [endpoint_slice(name, endpoint(f"10.244.0.{number}"))]
        cache.update(f"default/{name}", service_ports(service(name, f"10.96.0.{number}")), merge_slices(slices, ""))
    return cache


def test_the_same_services_give_the_same_bytes_in_whatever_order_they_came() -> None:
    one, other = cache_of("a", "b"), RuleCache(NodeSettings())
    for number, name in ((1, "b"), (0, "a")):
        slices = [endpoint_slice(name, endpoint(f"10.244.0.{number}"))]
        other.update(f"default/{name}", service_ports(service(name, f"10.96.0.{number}")), merge_slices(slices, ""))
    assert full_text(one.tables(), Tables()) == full_text(other.tables(), Tables())


def test_chains_are_declared_in_order() -> None:
    declared = [line for line in full_text(cache_of("a", "b", "c").tables(), Tables()).splitlines() if line[0] == ":"]
    nat = declared[6:]
    assert nat == sorted(nat)


def test_no_change_gives_no_text() -> None:
    assert incremental_text(cache_of("a").tables(), cache_of("a").tables()) == ""


def test_an_endpoint_more_names_two_chains_only() -> None:
    cache = cache_of("a", "b")
    before = cache.tables()
    slices = [endpoint_slice("b", endpoint("10.244.0.1"), endpoint("10.244.0.77"))]
    assert cache.update("default/b", service_ports(service("b", "10.96.0.1")), merge_slices(slices, ""))
    text = incremental_text(cache.tables(), before)
    assert text.count("\n:") == 2
    assert "*filter" not in text
    assert "KUBE-SERVICES" not in text


def test_a_service_that_goes_takes_its_chains_along() -> None:
    cache = cache_of("a", "b")
    before = cache.tables()
    assert cache.update("default/b", [], {})
    text = incremental_text(cache.tables(), before)
    assert text.count("-X KUBE-SVC-") == 1
    assert text.count("-X KUBE-SEP-") == 1
    assert "-X KUBE-SERVICES" not in text


def test_a_full_text_removes_chains_that_an_earlier_proxy_left_and_no_others() -> None:
    present = Tables(nat={"KUBE-SVC-OLD": "", "KUBE-XLB-OLD": "", "DOCKER": "", "KUBE-KUBELET-CANARY": ""})
    text = full_text(cache_of("a").tables(), present)
    assert [line for line in text.splitlines() if line.startswith("-X")] == ["-X KUBE-SVC-OLD", "-X KUBE-XLB-OLD"]


def test_cleanup_leaves_what_others_own() -> None:
    present = {"PREROUTING": "", "DOCKER": "", "KUBE-SERVICES": "", "KUBE-SEP-A": "", "KUBELET-MASQ": ""}
    text = cleanup_text("nat", present)
    assert [line for line in text.splitlines() if line.startswith("-X")] == ["-X KUBE-SEP-A", "-X KUBE-SERVICES"]
    assert cleanup_text("filter", {"INPUT": ""}) == ""


def test_a_thousand_endpoints_go_without_comments_and_a_few_less_do_not_bring_them_back() -> None:
    def update(number: int) -> bool:
        slices = [endpoint_slice("big", *(endpoint(f"10.244.{n // 250}.{n % 250}") for n in range(number)))]
        return cache.update("default/big", service_ports(service("big", "10.96.1.1")), merge_slices(slices, ""))

    def commented() -> set[bool]:
        chains = cache.tables().nat
        return {"--comment" in rules for chain, rules in chains.items() if chain.startswith("KUBE-SEP-")}

    cache = cache_of("a", "b")
    assert update(998)
    assert commented() == {True}
    assert update(999)
    assert commented() == {False}, "that of other services too"
    assert update(900)
    assert commented() == {False}
    assert update(897)
    assert commented() == {True}
    assert not update(897)
