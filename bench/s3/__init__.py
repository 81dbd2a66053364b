"""The S3 connector: the loop's lag beside many uploads, and the memory of a large object."""
