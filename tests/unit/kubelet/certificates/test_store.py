"""Certificate files in --cert-dir."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from kubelet.certificates.store import CertificateStore


def test_a_relative_directory_gives_links_that_lead_somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = CertificateStore(Path("pki"), "client")
    store.write(b"certificate\n", b"key\n", datetime(2024, 1, 2, tzinfo=UTC))
    assert store.read() == b"certificate\nkey\n"
    assert store.current == tmp_path / "pki/kubelet-client-current.pem"
