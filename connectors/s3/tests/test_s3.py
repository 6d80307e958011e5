"""The contract over a bucket of moto's server, and signatures against botocore's."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import boto3
import polars as pl
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from headrace.kits.files import writing
from headrace.kits.files.options import WriteOptions
from headrace.kits.files.s3_fs import S3FileSystem, encoded
from headrace.kits.http.signatures import Keys
from headrace.plugins.manager import load_plugins
from headrace.sdk import TransientError
from headrace.testing.counterparts import free_port, serving
from headrace.testing.files import FilesContract, sample_files
from headrace.testing.link import CuttableLink
from headrace.testing.memory import MemoryWatch, measurable

SECRET = "s3cret-and-wrong"


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with serving(command, port):
        yield f"http://127.0.0.1:{port}"


def client(endpoint: str) -> Any:
    return boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="k", aws_secret_access_key="s"
    )


@pytest.fixture
def bucket(endpoint: str) -> str:
    name = f"bucket-{secrets.token_hex(6)}"
    client(endpoint).create_bucket(Bucket=name)
    return name


class TestS3(FilesContract):
    connector_id = "s3"

    @pytest.fixture
    def config(self, endpoint: str, bucket: str) -> dict[str, Any]:
        config = {"bucket": bucket, "endpoint": endpoint, "access_key": "k", "secret_key": "s", "prefix": "in it"}
        for name, body in sample_files().items():
            self.put(config, name, body)
        return config

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "bucket": "no-such-bucket", "secret_key": SECRET}

    def put(self, config: dict[str, Any], name: str, body: bytes) -> None:
        client(config["endpoint"]).put_object(Bucket=config["bucket"], Key=f"{config['prefix']}/{name}", Body=body)


@pytest.mark.parametrize("key", ["plain", "a b+c", "é/ü 😀", "a~b_c-d.e", "x=1&y=2", "percent%20sign", "'(*)!@:,;$"])
@pytest.mark.parametrize("session", ["", "token/+="])
def test_signatures_are_those_of_botocore(key: str, session: str) -> None:
    fs = S3FileSystem("https://s3.eu-central-1.amazonaws.com", "eu-central-1", Keys("AK", "secret/+", session))
    url = f"{fs.url('bucket/' + key)}?{encoded({'list-type': '2', 'prefix': key, 'uploads': ''})}"
    ours = fs.sign("PUT", url, b"body", {})
    request = AWSRequest("PUT", url, data=b"body", headers={"X-Amz-Content-SHA256": ours["x-amz-content-sha256"]})
    moment = datetime.strptime(ours["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    request.context["timestamp"] = ours["x-amz-date"]
    theirs = S3SigV4Auth(Credentials("AK", "secret/+", session or None), "s3", "eu-central-1")
    request.headers["X-Amz-Date"] = ours["x-amz-date"]
    if session:
        request.headers["X-Amz-Security-Token"] = session
    canonical = theirs.canonical_request(request)
    signature = theirs.signature(theirs.string_to_sign(request, canonical), request)
    assert moment.year > 2000
    assert ours["Authorization"].endswith(f"Signature={signature}")


def open_(endpoint: str, bucket: str, **more: Any) -> Any:
    entry = load_plugins(only=["connector-s3"], strict=True).registry.connector("s3")
    return entry.open({"bucket": bucket, "endpoint": endpoint, "access_key": "k", "secret_key": "s", **more})


@pytest.mark.parametrize("k", range(4))
def test_the_store_goes_away_between_two_files(endpoint: str, bucket: str, k: int, monkeypatch: Any) -> None:
    """After file k of three its link is cut for good; a repeat of the write shows each row once."""
    monkeypatch.setattr("headrace.kits.files.http_fs.WAIT_S", 0.001)
    frames = [pl.DataFrame({"id": [n], "part": [n]}) for n in range(3)]
    options = WriteOptions(partition_by=["part"])
    place = urlsplit(endpoint)
    with CuttableLink(str(place.hostname), int(place.port or 0)) as link:
        connector = open_(f"http://127.0.0.1:{link.port}", bucket)
        shown = 0
        show = writing.show

        def cut(*args: Any) -> None:
            nonlocal shown
            if shown == k:
                link.__exit__(None, None, None)
            show(*args)
            shown += 1

        monkeypatch.setattr(writing, "show", cut)
        if k < 3:
            with pytest.raises(TransientError):
                connector.write("out/n.parquet", iter(frames), effect_key="e", options=options)
        connector.close()
        monkeypatch.setattr(writing, "show", show)
    connector = open_(endpoint, bucket)
    for _ in range(2):
        connector.write("out/n.parquet", iter(frames), effect_key="e", options=options)
        found = sorted(row["id"] for frame in connector.read(connector.stream("out")) for row in frame.to_dicts())
        assert found == [0, 1, 2]
    connector.close()


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(not measurable(), reason="this system does not tell how much memory is used")
def test_a_csv_of_a_gigabyte_is_read_in_bounded_memory(endpoint: str, bucket: str, tmp_path: Any) -> None:
    """Slow: it writes, puts, fetches and reads a gigabyte."""
    rows, line = 8_000_000, "{:09},name of the row,1234.5678,2026-01-01,{}\n"
    with (tmp_path / "big.csv").open("w") as file:
        file.write("id,name,amount,day,text\n")
        for start in range(0, rows, 100_000):
            file.writelines(line.format(n, "x" * 85) for n in range(start, start + 100_000))
    assert (tmp_path / "big.csv").stat().st_size > 10**9
    fs = S3FileSystem(endpoint, "us-east-1", Keys("k", "s"))
    fs.put_file(str(tmp_path / "big.csv"), f"{bucket}/big.csv")
    fs.close()
    connector = open_(endpoint, bucket)
    watch, seen = MemoryWatch(), 0
    for frame in connector.read(connector.stream("big.csv")):
        seen += frame.height
        watch.look()
    connector.close()
    assert seen == rows
    assert watch.grown < 400 * 2**20, f"it took {watch.grown // 2**20} MiB"


def test_large_objects_go_in_parts(endpoint: str, bucket: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("http_fs", "object_fs"):
        monkeypatch.setattr(f"headrace.kits.files.{module}.PART_BYTES", 5 * 2**20)
    body = secrets.token_bytes(11 * 2**20)
    (tmp_path / "big").write_bytes(body)
    fs = S3FileSystem(endpoint, "us-east-1", Keys("k", "s"))
    fs.put_file(str(tmp_path / "big"), f"{bucket}/big")
    assert client(endpoint).get_object(Bucket=bucket, Key="big")["Body"].read() == body
    assert "-3" in client(endpoint).head_object(Bucket=bucket, Key="big")["ETag"], "three parts"
    fs.get_file(f"{bucket}/big", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == body
    (tmp_path / "gone").mkdir()
    monkeypatch.setattr(fs, "pieces", lambda *_: iter([b"x" * 2**20, 1]))
    with pytest.raises(TypeError):
        fs.put_file(str(tmp_path / "big"), f"{bucket}/half")
    assert "Uploads" not in client(endpoint).list_multipart_uploads(Bucket=bucket), "taken back"
    fs.close()
