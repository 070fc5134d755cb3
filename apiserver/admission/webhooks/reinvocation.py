"""Which mutating webhooks are called a second time in one request. Pure.

A webhook that changes the object brings about a second round of all mutating plugins. In it, webhooks with
reinvocationPolicy IfNeeded are called again where something has changed after their call; none is called for the first
time, and there is no third round. (k8s.io/apiserver/pkg/admission/plugin/webhook/mutating/reinvocationcontext.go.)"""

from __future__ import annotations

from apimachinery.objects import Object, deep_copy


class Again:
    """One request's rounds."""

    def __init__(self) -> None:
        self.round = 0
        self._wanted = False
        self._called: set[str] = set()  #: that nothing has changed the object after
        self._due: set[str] = set()
        self._left: Object | None = None

    def start(self) -> bool:
        """Begin the second round, if there is to be one."""
        if not self._wanted or self.round:
            return False
        self.round = 1
        return True

    def seen(self, obj: Object | None) -> None:
        """The object as it comes to the webhooks: other plugins may have changed it since."""
        if self.round and obj != self._left:
            self._require()

    def concerns(self, uid: str) -> bool:
        """Whether a webhook that matches is to be called in this round."""
        return not self.round or uid in self._due

    def changed(self) -> None:
        """A webhook has changed the object."""
        self._wanted = True
        self._require()

    def asked(self, uid: str) -> None:
        """A webhook that may be called again has been called."""
        self._called.add(uid)

    def left(self, obj: Object | None) -> None:
        """The object as the webhooks leave it."""
        if self._wanted and not self.round:
            self._left = deep_copy(obj)

    def _require(self) -> None:
        self._due |= self._called
        self._called = set()
