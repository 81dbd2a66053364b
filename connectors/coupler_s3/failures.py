"""From what boto3 raises to the errors of the SDK: S3's own codes, and what another attempt would change."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, Final

from coupler.sdk import ConnectorError, InputError, RetryLater

_SLOW_DOWN: Final = frozenset(
    {
        "SlowDown",
        "503",
        "ServiceUnavailable",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "BandwidthLimitExceeded",
    }
)
_OF_STS: Final = frozenset({"AssumeRole", "AssumeRoleWithWebIdentity", "GetCallerIdentity"})
BACKOFF_SECONDS: Final = 30.0
"""After ``SlowDown``, where neither model nor server says how long."""

_WRONG_INPUT: Final = frozenset(
    {
        "EntityTooLarge",
        "InvalidArgument",
        "InvalidBucketName",
        "InvalidRange",
        "InvalidStorageClass",
        "InvalidTag",
        "InvalidURI",
        "KeyTooLongError",
        "KMS.NotFoundException",
        "MalformedXML",
        "MetadataTooLarge",
        "NotImplemented",
        "UnsupportedArgument",
    }
)
"""Another attempt with the same input gets the same answer."""

# A HEAD has no body, so S3 can say no more than the status.
_OF_STATUS: Final = {
    "400": ("BadRequest", "S3 refuses the request"),
    "403": ("AccessDenied", "Access denied"),
    "404": ("NoSuchKey", "The specified key, version or bucket does not exist"),
    "412": ("PreconditionFailed", "A condition of the request does not hold"),
}

_KINDS: Final = (
    # Class of botocore, code; the first that fits counts.
    ("ConnectTimeoutError", "TIMEOUT"),
    ("ReadTimeoutError", "TIMEOUT"),
    ("SSLError", "TLS"),
    ("ProxyConnectionError", "PROXY"),
    ("ConnectionError", "CONNECTION_FAILED"),
    ("HTTPClientError", "CONNECTION_FAILED"),
    ("IncompleteReadError", "CONNECTION_FAILED"),
    ("FlexibleChecksumError", "CHECKSUM_MISMATCH"),
    ("NoCredentialsError", "NO_CREDENTIALS"),
    ("PartialCredentialsError", "NO_CREDENTIALS"),
    ("CredentialRetrievalError", "NO_CREDENTIALS"),
    ("TokenRetrievalError", "NO_CREDENTIALS"),
)
_INPUT_CLASSES: Final = (
    "ParamValidationError",
    "InvalidRegionError",
    "UnsupportedS3AccesspointConfigurationError",
    "UnsupportedS3ArnError",
    "InvalidS3AddressingStyleError",
    "EndpointResolutionError",
    "EndpointProviderError",
)


def translated(error: Exception, headers: Mapping[str, str]) -> Exception:
    """What to raise in the place of an error of boto3; every other error is itself.

    Args:
        error: what was raised.
        headers: the task headers; a ``retryBackoff`` there wins over ours.
    """
    exceptions: Any = importlib.import_module("botocore.exceptions")
    if isinstance(error, exceptions.ClientError):
        return _refusal(error, headers)
    if any(isinstance(error, getattr(exceptions, name, ())) for name in _INPUT_CLASSES):
        return InputError(f"S3 cannot be asked like this: {_one_line(error)}")
    if isinstance(error, ValueError) and not isinstance(error, exceptions.BotoCoreError):
        return InputError(f"S3 cannot be asked like this: {_one_line(error)}")
    if isinstance(error, exceptions.BotoCoreError):
        code = next((code for name, code in _KINDS if isinstance(error, getattr(exceptions, name))), None)
        return ConnectorError(f"S3 could not be asked: {_one_line(error)}", code=code)
    return error


def _refusal(error: Any, headers: Mapping[str, str]) -> ConnectorError:
    described, metadata = error.response.get("Error", {}), error.response.get("ResponseMetadata", {})
    status = metadata.get("HTTPStatusCode", 0)
    code, message = str(described.get("Code") or status), str(described.get("Message") or "")
    if code in _OF_STATUS:
        code, message = _OF_STATUS[code]
    request = metadata.get("RequestId")
    service = "STS" if error.operation_name in _OF_STS else "S3"
    text = (
        f"{message or code} (Service: {service}, Status Code: {status}{f', Request ID: {request}' if request else ''})"
    )
    if code in _SLOW_DOWN or status in (429, 503):
        return RetryLater(text, code=code, after_seconds=_backoff(metadata, headers))
    if code in _WRONG_INPUT:
        return RetryLater(text, code=code, retries=0)
    return ConnectorError(text, code=code)


def _backoff(metadata: Mapping[str, Any], headers: Mapping[str, str]) -> float | None:
    if headers.get("retryBackoff", "").strip():
        return None  # the model's own
    asked = str(metadata.get("HTTPHeaders", {}).get("retry-after", "")).strip()
    return min(float(asked), 86_400.0) if asked.isascii() and asked.isdigit() else BACKOFF_SECONDS


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


__all__ = ["BACKOFF_SECONDS", "translated"]
