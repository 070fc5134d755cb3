"""All objects of one stored resource as last seen, in key order, with the window of recent changes and its watchers.

Fed by `feed.Feed` (one watch of the whole store serves every cache) strictly in order of revision; reads and watches
cost the store nothing. All of it runs on the event loop: what one call sees is one state. `watcher.py` reads it."""

from __future__ import annotations

import asyncio
import logging
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from apimachinery.errors import InternalError, ServiceUnavailable
from apimachinery.meta import Resource
from apimachinery.objects import Object, labels_of
from apiserver.storage.interface import Revision, Stored
from apiserver.watchcache.converting import Convert, ConvertingWatcher
from apiserver.watchcache.encoding import splice
from apiserver.watchcache.listings import Listings
from apiserver.watchcache.pacing import Pacer
from apiserver.watchcache.watcher import Watcher
from apiserver.watchcache.window import CachedObject, Change, Transform, Trigger, Window

logger = logging.getLogger(__name__)

_MAX_LABEL_INDEXES = 16
_MAX_LISTS = 32
_PIECE_ITEMS = 64


class Progress:
    """How far the feed has come; one object shared by all its caches."""

    __slots__ = ("revision",)

    def __init__(self) -> None:
        self.revision: Revision = 0


class Items(list[CachedObject]):
    """The answer to a list, shared by all who ask the same until something changes; never to be changed."""

    __slots__ = ("_head", "_size")

    def __init__(self, items: Iterable[CachedObject]) -> None:
        super().__init__(items)
        self._head: bytes | None = None
        self._size = 0

    def size_without(self, head: bytes) -> int | None:
        """How many bytes `pieces` comes to where all items begin with `head`; None where one does not."""
        if self._head is None:
            if any(item.head != head for item in self):
                return None
            self._head = head
            self._size = sum([len(item.tail) for item in self]) + max(0, 2 * len(self) - 1)
        return self._size if self._head == head else None

    def pieces(self) -> Iterator[bytes]:
        """What a List has between the brackets of its items, these going without their heads (apiVersion and kind).

        Made piece by piece as it is sent: a long list never lies in memory whole."""
        start = b"{"
        for at in range(0, len(self), _PIECE_ITEMS):
            yield start + b",{".join([item.tail for item in self[at : at + _PIECE_ITEMS]])
            start = b",{"


class WatchCache:
    """One resource's cache. `prefix` is where its keys lie ("/registry/pods/"), `resource` the stored version."""

    def __init__(self, resource: Resource, prefix: str, progress: Progress) -> None:
        self.resource = resource
        self.prefix = prefix
        self.ready = False  #: whether the first list is in
        self.version = 0  #: another number after every change
        self.received = 0  #: changes since the start
        self.initializations = 0  #: how often it was filled
        self.initial_events = 0  #: objects that watches began with
        self.too_slow = 0  #: watches that had to be ended
        self.listings = Listings()  #: lists that were answered from here
        self.store_listings = Listings()  #: lists that were read from the store
        self.window = Window(0)
        self._objects: dict[str, CachedObject] = {}
        self._keys: list[str] = []
        self.unreadable: dict[str, str] = {}  #: relative key -> why its value in the store cannot be read
        self._lists: dict[tuple[str, tuple[tuple[str, str], ...]], Items] = {}
        self._by_label: dict[str, dict[str, set[str]]] = {}
        self._watchers: set[Watcher] = set()
        self._pacer = Pacer(self._begin_round)
        self._progress = progress
        self._listed_at: Revision = 0
        self._joined: dict[tuple[int, int, Transform | None], bytes] = {}

    # Reading

    def key(self, namespace: str, name: str) -> str:
        """The absolute storage key of an object."""
        return f"{self.prefix}{namespace}/{name}" if self.resource.namespaced else self.prefix + name

    def get(self, namespace: str, name: str) -> CachedObject | None:
        """The object as last seen; `namespace` is ignored for cluster-scoped resources."""
        return self._objects.get(f"{namespace}/{name}" if self.resource.namespaced else name)

    def list(self, namespace: str = "", labels: Mapping[str, str] | None = None) -> Items:
        """Objects of the namespace ("": all) that have exactly these labels, in key order.

        `labels` (label key -> value) are a selector's equality requirements, answered from an index; whatever else
        the selector asks is the caller's to check. The same question gets the same list until something changes."""
        if not self.resource.namespaced:
            namespace = ""
        question = (namespace, tuple(sorted(labels.items())) if labels else ())
        items = self._lists.get(question)
        if items is None:
            if len(self._lists) >= _MAX_LISTS:
                self._lists.clear()
            items = self._lists[question] = Items(self._find(namespace, labels))
        return items

    def _find(self, namespace: str, labels: Mapping[str, str] | None) -> Iterable[CachedObject]:
        if labels:
            return self._find_labelled(namespace, labels)
        if not namespace:
            return map(self._objects.__getitem__, self._keys)
        start = bisect_left(self._keys, namespace + "/")
        end = bisect_left(self._keys, namespace + "0", lo=start)  # "0" follows "/"
        return map(self._objects.__getitem__, self._keys[start:end])

    def _find_labelled(self, namespace: str, labels: Mapping[str, str]) -> Iterable[CachedObject]:
        found: set[str] | None = None
        rest: dict[str, str] = {}  # what no index answers
        for label, value in labels.items():
            index = self._label_index(label)
            if index is None:
                rest[label] = value
                continue
            having = index.get(value, set())
            found = having if found is None else found & having
        if found is None:
            return [item for item in self.list(namespace) if _has_labels(item.obj, rest)]
        if namespace:
            inside = namespace + "/"
            found = {key for key in found if key.startswith(inside)}
        items = map(self._objects.__getitem__, sorted(found))
        return [item for item in items if _has_labels(item.obj, rest)] if rest else items

    def _label_index(self, label: str) -> dict[str, set[str]] | None:
        index = self._by_label.get(label)
        if index is None:
            if len(self._by_label) >= _MAX_LABEL_INDEXES:
                return None
            index = self._by_label[label] = {}
            for key, item in self._objects.items():
                value = labels_of(item.obj).get(label)
                if value is not None:
                    index.setdefault(value, set()).add(key)
        return index

    @property
    def revision(self) -> Revision:
        """The store's revision that the state is of."""
        return max(self._listed_at, self._progress.revision)

    def __len__(self) -> int:
        return len(self._objects)

    # Watching

    def watch(
        self,
        namespace: str = "",
        name: str = "",
        matches: Callable[[Object], bool] | None = None,
        *,
        trigger: Trigger | None = None,
        after: Revision | None = None,
        initial_events: bool = False,
        initial_end: bool = False,
        bookmarks: bool = False,
        transform: Transform | None = None,
        convert: Convert | None = None,
        api_version: str = "",
        timeout_seconds: float | None = None,
    ) -> Watcher:
        """Follow changes with a revision above `after` (None: from the present state on).

        `initial_events` sends an ADDED for every present object first (`after` is then not looked at), and with
        `initial_end` a bookmark annotated k8s.io/initial-events-end after them. `matches` is the selection: an object
        that leaves it is DELETED with its old state, one that enters is ADDED. `trigger` may name a field's value that
        everything selected has: many watchers with different values are cheap then. `transform` must be the same
        function object for the same form, frames are cached by it. `convert`, which is awaited, brings objects into the
        form of `api_version` before that. Ends by itself after `timeout_seconds`.
        Where the window no longer reaches back to `after`, reading raises `Gone`: a client is told by an event, as one
        is whose watch has fallen behind. Raises `ServiceUnavailable` before the first list."""
        if not self.ready:
            raise ServiceUnavailable("storage is (re)initializing", retry_after_seconds=1)
        if after is None or initial_events:
            found: int | None = self.window.end
            after = self.revision
        else:
            found = self.window.position_after(after)
        position = found or 0
        start = self.list(namespace) if initial_events else ()
        watcher = (Watcher if convert is None else ConvertingWatcher)(
            self, namespace, name, matches, position, after, transform if convert is None else None, trigger=trigger,
            bookmarks=bookmarks, initial=start, initial_end=initial_end, timeout_seconds=timeout_seconds,
        )  # fmt: skip
        if convert is not None and isinstance(watcher, ConvertingWatcher):
            watcher.convert_by(convert, transform, api_version)
        self._watchers.add(watcher)
        if found is None:
            watcher.cut()
        return watcher

    def forget(self, watcher: Watcher) -> None:
        """The watcher is no longer read."""
        self._watchers.discard(watcher)

    @property
    def watchers(self) -> int:
        """How many watches run."""
        return len(self._watchers)

    def joined(self, position: int, changes: Sequence[Change], transform: Transform | None) -> bytes:
        """The frames of all these changes, unselected: made once for all watchers that stand at the same place."""
        place = (position, position + len(changes), transform)
        made = self._joined.get(place)
        if made is None:
            made = b"".join([change.frame_of(plain_type(change), transform) for change in changes])
            if len(self._joined) >= 8:
                self._joined.clear()
            self._joined[place] = made
        return made

    # Feeding (only the feed calls these)

    def replace(self, items: Iterable[Stored], revision: Revision) -> None:
        """Take a fresh list as the state; watches that run are cut: history is lost."""
        self._objects = {}
        self.unreadable = {}
        for stored in items:
            key = stored.key[len(self.prefix) :]
            found = self.read(key, stored.value, stored.revision, stored.problem)
            if found is not None:
                self._objects[key] = found
        self.version += 1
        self._keys = sorted(self._objects)
        self._lists.clear()
        self._by_label.clear()
        self._joined.clear()
        self.window = Window(revision)
        self._listed_at = revision
        self._cut_all()
        self.initializations += 1
        self.ready = True

    def drop(self) -> None:
        """The resource is no longer served."""
        self.ready = False
        self._cut_all()

    def _cut_all(self) -> None:
        for watcher in tuple(self._watchers):
            watcher.cut()

    def build(self, key: str, value: bytes, revision: Revision, obj: Object | None) -> CachedObject:
        """The cached form of a stored value; `obj`, where the caller has it decoded, becomes the cache's own."""
        namespace, _, name = key.rpartition("/")
        if obj is not None:
            obj["metadata"]["resourceVersion"] = str(revision)
        return CachedObject(key, namespace, name, splice(value, revision), revision, obj)

    def read(self, key: str, value: bytes, revision: Revision, problem: str = "") -> CachedObject | None:
        """The cached form of a value in the store; None for one that cannot be decrypted or is no JSON object."""
        if not problem:
            try:
                found = self.build(key, value, revision, None)
            except (ValueError, TypeError, AttributeError) as error:
                problem = str(error)
            else:
                self.unreadable.pop(key, None)
                return found
        self.unreadable[key] = problem
        logger.error("An unreadable value", extra={"key": self.prefix + key, "error": problem})
        return None

    def check_readable(self, namespace: str = "", name: str = "") -> None:
        """Raises InternalError where an object asked for ("": all of them) lies in the store and cannot be read."""
        for key, problem in self.unreadable.items():
            its_namespace, _, its_name = key.rpartition("/")
            if (not namespace or namespace == its_namespace or not its_namespace) and (not name or name == its_name):
                raise unreadable(self.prefix + key, problem)

    def apply(self, key: str, new: CachedObject | None, revision: Revision, *, deleted: bool = False) -> None:
        """One change in its turn: `new` is None on delete, and where it cannot be read. What a list already had is
        passed over."""
        if revision <= self._listed_at:
            return
        self.received += 1
        previous = self._objects.get(key)
        if deleted and self.unreadable:
            self.unreadable.pop(key, None)
        if new is None and previous is None:
            return
        self.version += 1
        if new is None:
            del self._objects[key]
            del self._keys[bisect_left(self._keys, key)]
        else:
            self._objects[key] = new
            if previous is None:
                insort(self._keys, key)
        self._lists.clear()
        self._index(key, previous, new)
        self.window.append(Change(revision, new, previous, asyncio.get_running_loop().time()))
        if self._watchers:
            self._pacer.news()

    def _index(self, key: str, previous: CachedObject | None, new: CachedObject | None) -> None:
        for label, index in self._by_label.items():
            before = labels_of(previous.obj).get(label) if previous else None
            now = labels_of(new.obj).get(label) if new else None
            if before == now:
                continue
            if before is not None:
                index[before].discard(key)
                if not index[before]:
                    del index[before]
            if now is not None:
                index.setdefault(now, set()).add(key)

    def _begin_round(self) -> Sequence[Callable[[], None]]:
        self._joined.clear()
        return [watcher.wake for watcher in self._watchers]

    def tick(self, seconds: float) -> None:
        """Once a second: forget old changes, wake watchers whose bookmark or end is due."""
        self.window.forget_before(seconds)
        for watcher in self._watchers:
            if watcher.due(seconds):
                watcher.wake()

    def bookmark(self, revision: Revision, *, initial_end: bool) -> Object:
        """The object of a BOOKMARK event."""
        metadata: Object = {"resourceVersion": str(revision), "creationTimestamp": None}
        if initial_end:
            metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
        return {"kind": self.resource.kind, "apiVersion": self.resource.api_version, "metadata": metadata}


def unreadable(key: str, problem: str) -> InternalError:
    """The 500 of an object that cannot be decrypted or decoded, in the reference's words."""
    return InternalError(f'Internal error occurred: unable to transform key "{key}": {problem}')


def plain_type(change: Change) -> str:
    """The event type where nothing is selected."""
    if change.current is None:
        return "DELETED"
    return "ADDED" if change.previous is None else "MODIFIED"


def _has_labels(obj: Object, wanted: Mapping[str, str]) -> bool:
    labels = labels_of(obj)
    return all(labels.get(key) == value for key, value in wanted.items())
