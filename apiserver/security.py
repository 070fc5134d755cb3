"""Who may do what: authentication, authorization, admission and bootstrap, wired from the flags."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from apimachinery.objects import Object, name_of, namespace_of
from apiserver.admission import AdmissionConfig
from apiserver.admission import build as build_admission
from apiserver.authn import AuthenticationConfig
from apiserver.authn import build as build_authentication
from apiserver.authz import build as build_authorizer
from apiserver.authz.reviews import Reviews
from apiserver.bootstrap import Bootstrap, BootstrapConfig
from apiserver.http.call import Call
from apiserver.http.nonresource import NonResourcePaths
from apiserver.http.reply import Reply
from apiserver.interfaces import Attributes, Authenticator, Authorizer, Loopback
from apiserver.options import Options
from apiserver.registry.context import Admission
from component.process import FatalError


@dataclass(frozen=True, slots=True)
class Security:
    """The parts, ready to be asked."""

    authenticator: Authenticator
    authorizer: Authorizer
    admission: Admission
    bootstrap: Bootstrap
    review: Callable[[Attributes, Object], Awaitable[Object]]
    mint: Callable[[Attributes, Object, Object], Awaitable[Object]] | None
    documents: Callable[[], dict[str, tuple[str, bytes]]]

    def add_paths(self, paths: NonResourcePaths) -> None:
        """Serve the OpenID Connect documents."""
        for path in self.documents():
            paths.add(path, self._document)

    async def _document(self, call: Call) -> Reply:
        content_type, body = self.documents()[call.info.path.rstrip("/")]
        return Reply(200, body, content_type)


def open_security(options: Options, loopback: Loopback, *, advertise_address: str, service_ip: str) -> Security:
    """Everything by the flags; raises FatalError with one line for flags that make no sense."""
    try:
        authentication = build_authentication(authentication_config(options), loopback)
        authorizer = build_authorizer(options.authorization_mode, loopback)
        admission = build_admission(admission_config(options), loopback, authorizer)
    except (ValueError, OSError) as error:
        raise FatalError(str(error)) from error
    issuer = authentication.issuer

    async def mint(_: Attributes, account: Object, request: Object) -> Object:
        if issuer is None:
            raise FatalError("no service account issuer")
        return await issuer.create(namespace_of(account), name_of(account), request, loopback)

    config = BootstrapConfig(
        advertise_address=advertise_address,
        service_cluster_ip=service_ip,
        secure_port=options.secure_port,
        rbac="RBAC" in options.authorization_mode,
        node_port=options.kubernetes_service_node_port,
    )
    return Security(
        authentication,
        authorizer,
        admission,
        Bootstrap(config, loopback),
        Reviews(authentication, authorizer, loopback).create,
        mint if issuer is not None else None,
        authentication.documents,
    )


def authentication_config(options: Options) -> AuthenticationConfig:
    """The authentication flags."""
    return AuthenticationConfig(
        anonymous=options.anonymous_auth,
        token_auth_file=options.token_auth_file,
    )


def admission_config(options: Options) -> AdmissionConfig:
    """The admission flags."""
    return AdmissionConfig(
        enabled=options.enable_admission_plugins,
        disabled=options.disable_admission_plugins,
        admission_control=options.admission_control,
    )
