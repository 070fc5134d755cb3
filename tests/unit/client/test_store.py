"""The indexed store agrees with a plain dict, whatever is done to it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from apimachinery.objects import Object, key_of
from client.store import Store

_CHANGES = st.lists(
    st.tuples(st.sampled_from(["", "a", "b"]), st.sampled_from("xyz"), st.sampled_from(["n1", "n2", None, "gone"]))
)


def make(namespace: str, name: str, node: str | None) -> Object:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"metadata": metadata, "node": node}


def by_node(obj: Object) -> list[str]:
    return [obj["node"]] if obj["node"] else []


@given(_CHANGES)
def test_agrees_with_a_dict(changes: list[tuple[str, str, str | None]]) -> None:
    store, model = Store({"node": by_node}), dict[str, Object]()
    for namespace, name, node in changes:
        obj = make(namespace, name, node)
        if node == "gone":
            assert store.remove(key_of(obj)) == model.pop(key_of(obj), None)
        else:
            assert store.put(obj) == model.get(key_of(obj))
            model[key_of(obj)] = obj
    assert sorted(map(key_of, store.list())) == sorted(model)
    for namespace in ("a", "b"):
        wanted = [key for key in model if key.startswith(f"{namespace}/")]
        assert sorted(map(key_of, store.list(namespace))) == sorted(wanted)
    for node in ("n1", "n2"):
        wanted = [key for key, obj in model.items() if obj["node"] == node]
        assert sorted(map(key_of, store.by_index("node", node))) == sorted(wanted)


def test_an_index_added_later_is_filled() -> None:
    store = Store()
    store.put(make("a", "x", "n1"))
    store.add_index("node", by_node)
    assert len(store.by_index("node", "n1")) == 1
