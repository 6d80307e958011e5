"""The contract over a bucket of moto's server, and signatures against botocore's."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from headrace.kits.http.signatures import Keys
from headrace.testing.file_servers import free_port, serving
from headrace.testing.files import FilesContract, sample_files
from headrace_connector_s3.filesystem import S3FileSystem, encoded

SECRET = "s3cret-and-wrong"


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with serving(command, port, tmp_path_factory.mktemp("moto") / "log"):
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
