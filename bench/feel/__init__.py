"""FEEL: conformance against case files, speed, and fuzzing."""
