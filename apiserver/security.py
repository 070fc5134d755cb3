"""Who may do what: authentication, authorization, admission and bootstrap, wired from the flags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from apiserver.admission import build as build_admission
from apiserver.authn import Authentication
from apiserver.authn import build as build_authentication
from apiserver.authz import Authorization
from apiserver.authz import build as build_authorizer
from apiserver.bootstrap import Bootstrap, BootstrapConfig
from apiserver.features import policies_enforced
from apiserver.http.call import Call
from apiserver.http.nonresource import NonResourcePaths
from apiserver.http.reply import Reply
from apiserver.http.special.reviews import Mint, Review
from apiserver.interfaces import Loopback, Versions
from apiserver.options import Options
from apiserver.registry.context import Admission
from apiserver.webhooks.caller import Caller
from component.process import FatalError


@dataclass(frozen=True, slots=True)
class Security:
    """The parts, ready to be asked."""

    authentication: Authentication
    authorization: Authorization
    admission: Admission
    bootstrap: Bootstrap

    @property
    def reviews(self) -> Mapping[str, Review]:
        """The answers to reviews, by plural."""
        return {**self.authentication.reviews, **self.authorization.reviews}

    @property
    def mint(self) -> Mint:
        """Makes service account tokens."""
        return self.authentication.mint

    async def close(self) -> None:
        """Give connections to other servers back."""
        await self.authentication.close()
        await self.authorization.close()

    def add_paths(self, paths: NonResourcePaths) -> None:
        """Serve the OpenID Connect documents."""
        for path in self.authentication.documents:
            paths.add(path, self._document)

    async def _document(self, call: Call) -> Reply:
        path = call.info.path.rstrip("/")
        content_type = "application/jwk-set+json" if path.endswith("jwks") else "application/json"
        return Reply(200, self.authentication.documents[path](), content_type)


def open_security(
    options: Options,
    loopback: Loopback,
    webhooks: Caller,
    versions: Versions,
    *,
    advertise_address: str,
    service_ip: str,
) -> Security:
    """Everything by the flags; raises FatalError with one line for flags that make no sense."""
    try:
        authentication = build_authentication(options, loopback)
        authorization = build_authorizer(options, loopback)
        admission = build_admission(options, loopback, authorization, webhooks, versions)
    except (ValueError, OSError) as error:
        raise FatalError(str(error)) from error
    config = BootstrapConfig(
        advertise_address=advertise_address,
        service_cluster_ip=service_ip,
        secure_port=options.secure_port,
        rbac="RBAC" in options.authorization_mode,
        policies=policies_enforced(options.feature_gates),
        node_port=options.kubernetes_service_node_port,
        authentication=authentication.published,
    )
    return Security(authentication, authorization, admission, Bootstrap(config, loopback))
