"""Authentication: who sent a request. Front proxies, client certificates and bearer tokens, each in a file of its own.

`build` reads the files that the flags name; nothing is read later but cached objects."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import orjson

from apimachinery.errors import ServiceUnavailable, Unauthorized
from apimachinery.objects import Object
from apiserver.authn import impersonation, tokenfile
from apiserver.authn.bootstraptoken import BootstrapTokens
from apiserver.authn.membership import with_authenticated
from apiserver.authn.oidc import OidcTokens, Provider
from apiserver.authn.requestheader import RequestHeaderAuthenticator
from apiserver.authn.reviews import AuthenticationReviews
from apiserver.authn.serviceaccounts import ServiceAccountTokens
from apiserver.authn.tokenrequest import TokenIssuer
from apiserver.authn.tokens import TokenAuthenticator
from apiserver.authn.webhook import WebhookTokens
from apiserver.authn.x509 import PeerCertificates, X509Authenticator, load_authorities
from apiserver.interfaces import Attributes, Authenticator, Authorizer, Credentials, Loopback, UserInfo
from apiserver.options import Options
from apiserver.webhooks.bykubeconfig import KubeconfigWebhook
from component import tokenkeys as keys

__all__ = ["Authentication", "build"]

DEFAULT_ISSUER = "https://kubernetes.default.svc.cluster.local"

Review = Callable[[Attributes, Object], Awaitable[Object]]


class Authentication:
    """All ways of knowing a caller, in the reference's order: front proxy, certificate, token."""

    def __init__(
        self,
        authenticators: Sequence[Authenticator],
        reviews: AuthenticationReviews,
        issuer: TokenIssuer | None,
        documents: Mapping[str, bytes],
        published: Mapping[str, str],
        close: Callable[[], Awaitable[None]],
    ) -> None:
        self._authenticators = tuple(authenticators)
        self._issuer = issuer
        self.close = close  #: gives connections to other servers back
        self.published = published  #: for extension API servers, in kube-system/extension-apiserver-authentication
        self.reviews: Mapping[str, Review] = {
            "tokenreviews": reviews.token_review,
            "selfsubjectreviews": reviews.self_subject_review,
        }
        self.documents: Mapping[str, Callable[[], bytes]] = {
            path: lambda body=body: body  # type: ignore[misc]  # a lambda's default cannot be annotated
            for path, body in documents.items()
        }

    async def authenticate(self, credentials: Credentials) -> UserInfo | None:
        """The user, a member of system:authenticated; None where no credentials were sent at all.

        Raises Unauthorized where some were sent and none of them is good."""
        refused: Unauthorized | None = None
        for authenticator in self._authenticators:
            try:
                user = await authenticator.authenticate(credentials)
            except Unauthorized as error:
                refused = error
                continue
            if user is not None:
                return with_authenticated(user)
        if refused is not None:
            raise refused
        return None

    async def impersonate(self, user: UserInfo, headers: Mapping[str, str], authorizer: Authorizer) -> UserInfo:
        """Who the request is to be treated as; raises Forbidden."""
        return await impersonation.impersonate(user, headers, authorizer)

    async def mint(self, attributes: Attributes, service_account: Object, request: Object) -> Object:
        """The TokenRequest answered; raises ApiError."""
        if self._issuer is None:
            raise ServiceUnavailable("this server does not issue service account tokens")
        return await self._issuer.create(service_account, request)


def build(options: Options, loopback: Loopback) -> Authentication:
    """Authentication as the flags say; raises ValueError with one line where a file is no good."""
    issuers = options.service_account_issuer or (DEFAULT_ISSUER,)
    audiences = options.api_audiences or issuers
    signing_file = options.service_account_signing_key_file or _own_key(options)
    signing = keys.load_signing_key(signing_file)
    verifying = keys.load_verification_keys(options.service_account_key_file or (signing_file,))
    accounts = ServiceAccountTokens(
        verifying, issuers, audiences, loopback, lookup=options.service_account_lookup
    )  # fmt: skip
    tokens = TokenAuthenticator(
        tokenfile.load(options.token_auth_file) if options.token_auth_file else {},
        accounts,
        BootstrapTokens(loopback) if options.enable_bootstrap_token_auth else None,
        audiences,
        oidc=_oidc(options),
        webhook=_webhook(options),
    )
    issuer = TokenIssuer(
        signing,
        issuers[0],
        audiences,
        loopback,
        extend=options.service_account_extend_token_expiration,
        max_seconds=options.service_account_max_token_expiration_seconds,
    )
    jwks_uri = options.service_account_jwks_uri or f"{issuers[0].rstrip('/')}/openid/v1/jwks"
    documents = {
        "/.well-known/openid-configuration": keys.openid_configuration(issuers[0], jwks_uri, verifying),
        "/openid/v1/jwks": keys.jwks(verifying),
    }
    reviews = AuthenticationReviews(tokens)
    return Authentication(
        [*_by_certificate(options), tokens], reviews, issuer, documents, _published(options), tokens.close
    )


def _oidc(options: Options) -> OidcTokens | None:
    if not options.oidc_issuer_url and not options.oidc_client_id:
        return None
    provider = Provider(
        issuer=options.oidc_issuer_url,
        client_id=options.oidc_client_id,
        ca_file=options.oidc_ca_file,
        username_claim=options.oidc_username_claim,
        username_prefix=options.oidc_username_prefix,
        groups_claim=options.oidc_groups_claim,
        groups_prefix=options.oidc_groups_prefix,
        algorithms=options.oidc_signing_algs,
        required=options.oidc_required_claim,
    )
    return OidcTokens(provider)


def _webhook(options: Options) -> WebhookTokens | None:
    if not options.authentication_token_webhook_config_file:
        return None
    return WebhookTokens(
        KubeconfigWebhook(options.authentication_token_webhook_config_file),
        version=options.authentication_token_webhook_version,
        kept_seconds=options.authentication_token_webhook_cache_ttl_seconds,
    )


def _published(options: Options) -> dict[str, str]:
    """The CAs and headers by which requests are authenticated, in the form extension API servers read."""
    data: dict[str, str] = {}
    if options.client_ca_file:
        data["client-ca-file"] = _read(options.client_ca_file).decode()
    if options.requestheader_client_ca_file:
        data["requestheader-client-ca-file"] = _read(options.requestheader_client_ca_file).decode()
        for key, values in (
            ("requestheader-allowed-names", options.requestheader_allowed_names),
            ("requestheader-extra-headers-prefix", options.requestheader_extra_headers_prefix),
            ("requestheader-group-headers", options.requestheader_group_headers),
            ("requestheader-username-headers", options.requestheader_username_headers),
        ):
            data[key] = orjson.dumps(list(values)).decode()
    return data


def _by_certificate(options: Options) -> list[Authenticator]:
    found: list[Authenticator] = []
    both = bool(options.requestheader_client_ca_file and options.client_ca_file)
    if options.requestheader_client_ca_file:
        peers = PeerCertificates(load_authorities(options.requestheader_client_ca_file), only=not both)
        found.append(
            RequestHeaderAuthenticator(
                peers,
                allowed_names=options.requestheader_allowed_names,
                user_headers=options.requestheader_username_headers,
                group_headers=options.requestheader_group_headers,
                extra_prefixes=options.requestheader_extra_headers_prefix,
            )
        )
    if options.client_ca_file:
        found.append(X509Authenticator(PeerCertificates(load_authorities(options.client_ca_file), only=not both)))
    return found


def _own_key(options: Options) -> str:
    """The key file that the server keeps for itself where the flags name none.

    Several API servers that are to honour each other's tokens need --service-account-signing-key-file."""
    if options.service_account_key_file:
        for path in options.service_account_key_file:
            if b"PRIVATE KEY" in _read(path):
                return path
    path = str(Path(options.cert_dir) / "service-account.key")
    if not Path(path).exists():
        try:
            keys.make_signing_key(path)
        except OSError as error:
            raise ValueError(
                f"cannot write {path}: {error.strerror}; use --service-account-signing-key-file"
            ) from error
    return path


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ValueError(f"cannot read key file {path}: {error.strerror}") from error
