"""What the IPAM remembers across crashes."""

from __future__ import annotations

from pathlib import Path

from kubelet.network.attachments import Attachment, AttachmentStore, HostPort

ONE = Attachment("a1", "uid-1", "10.0.0.2", (HostPort(8080, 80), HostPort(53, 53, "UDP", "127.0.0.1")))
TWO = Attachment("b2", "uid-2", "10.0.0.3")


def reopened(directory: Path) -> AttachmentStore:
    store = AttachmentStore(directory)
    store.load()
    return store


def test_attachments_survive_and_go(tmp_path: Path) -> None:
    store = reopened(tmp_path / "network")
    store.put(ONE)
    store.put(TWO)
    again = reopened(tmp_path / "network")
    assert again.get("a1") == ONE
    assert again.last_address == "10.0.0.3"
    again.remove("a1")
    again.remove("a1")
    assert reopened(tmp_path / "network").all() == [TWO]


def test_half_written_files_are_dropped(tmp_path: Path) -> None:
    store = reopened(tmp_path)
    store.put(TWO)
    (tmp_path / "c3.json").write_text('{"sandbox_id": "c3", "po')
    (tmp_path / "d4.json").write_text("[]")
    (tmp_path / "a1.new").write_text((tmp_path / "b2.json").read_text())
    assert reopened(tmp_path).all() == [TWO]
    assert [path.name for path in tmp_path.iterdir()] == ["b2.json"]
