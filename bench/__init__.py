"""Benchmarks: what a job costs, measured with a gateway and a target of their own (docs/performance.md)."""
