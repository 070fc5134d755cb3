"""Approves what kubelets ask for themselves: client certificates, for users who may ask for them.

Who may is an authorization question: `create` of certificatesigningrequests/nodeclient for any node's, and of
certificatesigningrequests/selfnodeclient for the certificate that the asking node already has the name of."""

from __future__ import annotations

from api.resources import CERTIFICATE_SIGNING_REQUESTS, SUBJECT_ACCESS_REVIEWS
from apimachinery.objects import Object, format_time
from controller.certificates.states import KUBELET_CLIENT, is_decided
from controller.context import Context
from controller.loop import Controller, RetryLater


class Approver(Controller):
    """Keys are names of CertificateSigningRequests."""

    name = "certificate-approver"

    def __init__(self, context: Context) -> None:
        super().__init__(context, workers=1)
        self._requests = self.watch(CERTIFICATE_SIGNING_REQUESTS)
        self._requests.on_change(self.enqueue_changed)

    async def sync(self, key: str) -> None:
        """Approve where it is a kubelet's client request and its user may have it."""
        csr = self._requests.store.get(key)
        if csr is None or (csr.get("status") or {}).get("certificate") or is_decided(csr):
            return
        tried = recognized(csr)
        for subresource, message in tried:
            if await self._may(csr, subresource):
                await self._approve(csr, message)
                return
        if tried:
            names = [subresource for subresource, _ in tried]
            raise RetryLater(f"recognized csr {key} as {names} but subject access review was not approved")

    async def _may(self, csr: Object, subresource: str) -> bool:
        spec = csr["spec"]
        asked: Object = {
            "user": spec.get("username") or "",
            "uid": spec.get("uid") or "",
            "groups": spec.get("groups") or [],
            "extra": spec.get("extra") or {},
            "resourceAttributes": {
                "group": CERTIFICATE_SIGNING_REQUESTS.group,
                "resource": CERTIFICATE_SIGNING_REQUESTS.plural,
                "verb": "create",
                "subresource": subresource,
                "version": "*",
            },
        }
        review = {
            "apiVersion": SUBJECT_ACCESS_REVIEWS.api_version,
            "kind": SUBJECT_ACCESS_REVIEWS.kind,
            "spec": asked,
        }
        answer = await self.client.create(SUBJECT_ACCESS_REVIEWS, review)
        return bool(answer["status"].get("allowed"))

    async def _approve(self, csr: Object, message: str) -> None:
        now = format_time(self.context.clock())
        condition = {
            "type": "Approved", "status": "True", "reason": "AutoApproved", "message": message,
            "lastUpdateTime": now, "lastTransitionTime": now,
        }  # fmt: skip
        status = {
            **(csr.get("status") or {}),
            "conditions": [*(csr.get("status") or {}).get("conditions", ()), condition],
        }
        await self.client.update(CERTIFICATE_SIGNING_REQUESTS, {**csr, "status": status}, subresource="approval")


def recognized(csr: Object) -> list[tuple[str, str]]:
    """What the request may be approved as: (the subresource to be authorized for, the condition's message)."""
    if csr["spec"].get("signerName") != KUBELET_CLIENT:
        return []
    from controller.certificates import rules  # loads cryptography, with the first such request

    try:
        request = rules.parse(csr)
        rules.check_kubelet_client(request, csr["spec"].get("usages") or ())
    except rules.UnfitRequest:
        return []
    found = [("nodeclient", "Auto approving kubelet client certificate after SubjectAccessReview.")]
    if csr["spec"].get("username") == rules.common_name(request):
        text = "Auto approving self kubelet client certificate after SubjectAccessReview."
        found.insert(0, ("selfnodeclient", text))
    return found
