from __future__ import annotations

import ssl

import pytest

from apiserver.http.tls import _SUITES, TlsError, openssl_ciphers


def test_every_suite_is_one_that_openssl_knows() -> None:
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).set_ciphers(openssl_ciphers(tuple(_SUITES)))


def test_only_the_named_suites_of_tls_1_2_remain() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(openssl_ciphers(["TLS_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]))
    named = [cipher["name"] for cipher in context.get_ciphers() if cipher["protocol"] == "TLSv1.2"]
    assert named == ["ECDHE-RSA-AES128-GCM-SHA256"]


@pytest.mark.parametrize(
    ("suites", "told"), [(["TLS_FOO"], "TLS_FOO not supported"), (["TLS_AES_128_GCM_SHA256"], "VersionTLS13")]
)
def test_what_cannot_be_had_is_refused(suites: list[str], told: str) -> None:
    with pytest.raises(TlsError, match=told):
        openssl_ciphers(suites)
