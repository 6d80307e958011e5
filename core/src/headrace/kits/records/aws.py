"""Services of AWS: botocore signs and decodes, and every request leaves through the door."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from headrace.kits.records.connector import RecordsConnector
from headrace.sdk.config import ConfigT
from headrace.sdk.errors import AuthError, ConfigError, HeadraceError, TransientError

if TYPE_CHECKING:
    from headrace.sdk.egress_http import EgressClient

_AUTH = (
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
    "UnrecognizedClient",
    "AccessDenied",
    "ExpiredToken",
    "AuthFailure",
    "MissingAuthenticationToken",
    "NotAuthorized",
    "InvalidSignature",
    "IncompleteSignature",
)
_LATER = (
    "Throttl",
    "ProvisionedThroughputExceeded",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "InternalServer",
    "InternalFailure",
    "TooManyRequests",
    "LimitExceeded",
)


class AwsConnector(RecordsConnector[ConfigT]):
    """One service in one region.

    Attributes:
        api: Its name in botocore.
    """

    api = ""
    _client: Any = None
    _door: EgressClient | None = None

    @property
    def where(self) -> str:
        """Service and region."""
        config: Any = self.config
        return f"{self.service} in {config.region}"

    def client(self) -> Any:
        """The client, made once."""
        if self._client is None:
            from botocore.config import Config as Settings

            config: Any = self.config
            client = session().create_client(
                self.api, region_name=config.region, endpoint_url=config.endpoint_url or None,
                aws_access_key_id=config.access_key_id, aws_secret_access_key=config.secret_access_key.reveal(),
                aws_session_token=config.session_token.reveal() or None,
                config=Settings(retries={"mode": "standard", "max_attempts": 4}, ignore_configured_endpoint_urls=True),
            )  # fmt: skip
            client.meta.events.register("before-send", self._send)
            self._client = client
        return self._client

    def _send(self, request: Any, **_: Any) -> Any:
        """Send a signed request; botocore's own HTTP is not used."""
        from botocore.awsrequest import AWSResponse

        from headrace.sdk.egress_http import EgressClient

        self._door = self._door or EgressClient()
        headers = {
            name: value.decode() if isinstance(value, bytes) else str(value) for name, value in request.headers.items()
        }
        body = request.body.encode() if isinstance(request.body, str) else request.body or b""
        answer = self._door.request(request.method, request.url, credentials=headers, body=body)
        return AWSResponse(answer.url, answer.status, answer.headers, _Raw(answer.body))

    def trouble(self, error: Exception) -> HeadraceError | None:
        """By the code of the service's answer."""
        from botocore.exceptions import BotoCoreError, ClientError

        if isinstance(error, BotoCoreError):
            return ConfigError(f"{self.where} cannot be used as it is configured; the log says why", detail=repr(error))
        if not isinstance(error, ClientError):
            return None
        code, said = str(error.response["Error"].get("Code", "")), str(error.response["Error"].get("Message", ""))
        if any(word in code for word in _AUTH):
            return AuthError(
                f"{self.where} refuses the access key; correct it in the connection, or give it the right to do this",
                detail=repr(error), field="access_key_id",
            )  # fmt: skip
        if any(word in code for word in _LATER):
            return TransientError(f"{self.where} cannot answer now; it is tried again", detail=repr(error))
        return ConfigError(f"{self.where} refuses ({code}: {said[:200]}); correct it", detail=repr(error))

    def hang_up(self) -> None:
        """Close the connections."""
        client, self._client, door, self._door = self._client, None, self._door, None
        if client is not None:
            client.close()
        if door is not None:
            door.close()


def session() -> Any:
    """A session of botocore; what describes the services is read once for the process, not for each."""
    from botocore.session import Session

    made = Session()
    made.register_component("data_loader", _loader())
    return made


@cache
def _loader() -> Any:
    from botocore.loaders import create_loader

    return create_loader()


class _Raw:
    """A body that was read already, as botocore reads it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: Any, **__: Any) -> Any:
        """The body, once."""
        body, self._body = self._body, b""
        if body:
            yield body

    def read(self, *_: Any, **__: Any) -> bytes:
        """The body, once."""
        body, self._body = self._body, b""
        return body
