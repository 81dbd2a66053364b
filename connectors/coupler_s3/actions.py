"""What is to be done, one model for each action."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from coupler.sdk import Input
from coupler.sdk.documents import Document
from coupler.sdk.template import Choice, Template
from coupler.sdk.template_documents import one_document
from coupler_s3.authentication import MaybeText, NotBlank
from coupler_s3.settings import LONGEST_PRESIGNED_SECONDS

MAX_LISTED = 10_000


class Bucket(Input):
    """An action in a bucket."""

    bucket: Annotated[NotBlank, Template(label="Bucket")]


class Object(Bucket):
    """An action on an object that is there."""

    key: Annotated[NotBlank, Template(label="Key")]
    version_id: Annotated[
        MaybeText, Template(label="Version ID", description="Empty for the latest version", order=1)
    ] = None


class Written(Input):
    """How an object is to be kept."""

    content_type: Annotated[MaybeText, Template(label="Content type", order=1)] = None
    metadata: Annotated[
        dict[str, str] | None, Template(label="Metadata", description="A context of names and texts", order=1)
    ] = None
    tags: Annotated[
        dict[str, str] | None, Template(label="Tags", description="A context of names and texts", order=1)
    ] = None
    storage_class: Annotated[MaybeText, Template(label="Storage class", placeholder="STANDARD_IA", order=1)] = None
    server_side_encryption: Annotated[
        MaybeText,
        Template(
            label="Server-side encryption", description="Empty for what the bucket says", placeholder="aws:kms", order=1
        ),
    ] = None
    kms_key_id: Annotated[MaybeText, Template(label="KMS key", description="For aws:kms", order=1)] = None
    checksum_algorithm: Annotated[
        Literal["CRC32", "SHA1", "SHA256"] | None,
        Template(
            label="Checksum",
            description="Kept by S3 with the object",
            order=1,
            choices=(Choice("CRC32", "CRC32"), Choice("SHA1", "SHA-1"), Choice("SHA256", "SHA-256")),
        ),
    ] = None
    only_if_absent: Annotated[
        bool,
        Template(
            label="Only if there is none",
            description="Fails with PreconditionFailed when the key is taken (If-None-Match)",
            order=1,
        ),
    ] = False


class Upload(Bucket, Written):
    """A document becomes an object."""

    key: Annotated[
        str | None,
        Field(min_length=1),
        Template(
            label="Key",
            description="Empty for the document's file name",
            required=False,
            optional=True,
        ),
    ] = None
    document: Annotated[Document, one_document("action_document", path="action", label="Document")]


class Download(Object):
    """An object becomes a document, a text or a value."""

    as_file: Annotated[bool, Template(omit=True)] = False  # of templates 1 to 4


class Delete(Object):
    """An object goes."""


class Head(Object):
    """What S3 knows of an object."""


class ListObjects(Bucket):
    """The objects of a bucket."""

    prefix: Annotated[str | None, Template(label="Prefix", description="What keys begin with")] = None
    delimiter: Annotated[
        str | None, Template(label="Delimiter", description="Keys are grouped up to it, as in folders", placeholder="/")
    ] = None
    limit: Annotated[
        int,
        Field(ge=1, le=MAX_LISTED),
        Template(label="Limit", description=f"How many at most, up to {MAX_LISTED}", default=1000),
    ] = 1000
    continuation_token: Annotated[
        MaybeText, Template(label="Continuation token", description="Of the list before this one")
    ] = None


class Copy(Bucket, Written):
    """An object becomes another one, without passing through here."""

    key: Annotated[NotBlank, Template(label="Key")]
    source_bucket: Annotated[MaybeText, Template(label="Source bucket", description="Empty for the same bucket")] = None
    source_key: Annotated[NotBlank, Template(label="Source key")]
    source_version_id: Annotated[MaybeText, Template(label="Source version ID", order=1)] = None


class Presign(Bucket):
    """A URL with which everybody who has it can fetch or put one object for a while."""

    key: Annotated[NotBlank, Template(label="Key")]
    method: Annotated[
        Literal["GET", "PUT"],
        Template(label="For", default="GET", choices=(Choice("GET", "Download"), Choice("PUT", "Upload"))),
    ] = "GET"
    expires_in_seconds: Annotated[
        int,
        Field(ge=1, le=LONGEST_PRESIGNED_SECONDS),
        Template(label="Valid for (seconds)", default=3600),
    ] = 3600
    file_name: Annotated[
        MaybeText, Template(label="File name", description="Under which a browser saves the download", order=1)
    ] = None
    content_type: Annotated[
        MaybeText, Template(label="Content type", description="That an upload must have", order=1)
    ] = None
    version_id: Annotated[MaybeText, Template(label="Version ID", order=1)] = None


Action: TypeAlias = Upload | Download | Delete | ListObjects | Head | Copy | Presign

__all__ = [
    "MAX_LISTED",
    "Action",
    "Copy",
    "Delete",
    "Download",
    "Head",
    "ListObjects",
    "Object",
    "Presign",
    "Upload",
    "Written",
]
