"""The object store on a bucket of moto's server: whole objects, from many threads, also large ones and frames."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import pytest
from headrace.engine.frame_store import FrameStore
from headrace.engine.messages import FrameRef
from headrace.infra.ids import new_id
from headrace.infra.store import Store
from headrace.kits.files import http_fs
from headrace.sdk.errors import NotFound
from headrace.testing.counterparts import moto


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "k"), ("AWS_SECRET_ACCESS_KEY", "s"), ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", moto()),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    bucket = f"objects-{secrets.token_hex(4)}"
    boto3.client("s3", endpoint_url=moto(), region_name="us-east-1", aws_access_key_id="k",
                 aws_secret_access_key="s").create_bucket(Bucket=bucket)  # fmt: skip
    yield f"s3://{bucket}/below"
    assert list(tmp_path.iterdir()) == [], "nothing is left on this machine"


def test_objects_come_back_each_below_its_organization(url: str) -> None:
    store, one, two = Store(url), new_id(), new_id()
    store.put(one, "files/a", b"1")
    store.put(one, "files/a", b"12")
    store.put(one, "files/deep/b", b"")
    assert store.get(one, "files/a") == b"12"
    assert store.size_bytes(one, "files/a") == 2
    assert store.list(one) == ["files/a", "files/deep/b"]
    assert store.folders(one, "files") == ["deep"]
    assert not store.exists(two, "files/a")
    assert store.list(two) == []
    store.delete_under(one, "files")
    store.delete(one, "files/a")
    assert store.list(one) == []
    with pytest.raises(NotFound):
        store.get(one, "files/a")
    store.ping()


def test_a_failed_write_leaves_the_old_object(url: str) -> None:
    store, one = Store(url), new_id()
    store.put(one, "a", b"old")
    with pytest.raises(RuntimeError), store.writer(one, "a") as out:
        out.write(b"half")
        raise RuntimeError
    assert store.get(one, "a") == b"old"


def test_a_large_object_goes_in_parts_and_is_read_by_ranges(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_fs, "PART_BYTES", 5 * 2**20)
    monkeypatch.setattr("headrace.kits.files.object_fs.PART_BYTES", 5 * 2**20)
    store, one = Store(url), new_id()
    piece = secrets.token_bytes(2**20)
    with store.writer(one, "large") as out:
        for _ in range(12):
            out.write(piece)
    assert store.size_bytes(one, "large") == 12 * 2**20
    with store.open(one, "large") as file:
        file.seek(7 * 2**20)
        assert file.read(2**20) == piece


def test_many_threads_at_once(url: str) -> None:
    store, one = Store(url), new_id()

    def turn(number: int) -> bytes:
        store.put(one, f"t/{number}", str(number).encode())
        return store.get(one, f"t/{number}")

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(turn, range(40))) == [str(number).encode() for number in range(40)]


def test_frames_go_there_and_come_back(url: str, tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch, tempfile.TemporaryDirectory() as other:
        frames = FrameStore(url, "o/executions/e", Path(scratch))
        key = frames.key("node", "out", 1)
        frames.path(key).write_bytes(b"PAR1")
        frames._remote().put_file(str(frames.path(key)), f"{url}/{key}")
        ref = FrameRef(key=key, rows=1, bytes=4, columns=())
        elsewhere = FrameStore(url, "o/executions/e", Path(other))
        assert elsewhere.exists(ref)
        assert elsewhere.fetch(ref).read_bytes() == b"PAR1"
        elsewhere.remove(ref)
        assert not elsewhere.exists(ref)
