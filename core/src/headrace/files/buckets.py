"""Buckets: what each is for, which kinds of files it takes, and how long it keeps them where nobody says otherwise.

Days are data of the organization, `settings.retention.<bucket>_days`; 0 keeps them until somebody deletes them.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from headrace.files.kinds import KINDS

BucketKey = Literal["files", "frames", "backups", "templates", "reports"]


class Bucket(Struct, frozen=True):
    """A bucket.

    Attributes:
        kinds: Ends of names.
        days: How long files stay; 0 is for ever.
        admins: Only who may delete files sees them: a backup shows everything.
    """

    kinds: frozenset[str]
    days: int = 0
    admins: bool = False


BUCKETS: dict[str, Bucket] = {
    "files": Bucket(frozenset(KINDS)),
    "frames": Bucket(frozenset("parquet arrow feather avro orc csv jsonl ndjson".split()), days=30),  # noqa: SIM905
    "backups": Bucket(frozenset("dump sql gz zst zip tar json yaml yml".split()), days=90, admins=True),  # noqa: SIM905
    "templates": Bucket(frozenset("json yaml yml html md txt docx xlsx pptx".split())),  # noqa: SIM905
    "reports": Bucket(frozenset("pdf html xlsx csv docx pptx md txt json png".split()), days=365),  # noqa: SIM905
}
