"""Objects in a bucket: with this package installed, `HEADRACE_STORAGE_URL=s3://bucket/prefix` is understood.

It offers a file system to fsspec, which is what storage is plugged in by; keys are those of the process, in AWS_*.
"""
