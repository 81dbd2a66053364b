"""The command line. ``main`` parses; each command imports what it needs when it runs, and calls one function."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

EXIT_CONFIG = 3
"""The runtime cannot start as configured. Distinct from a failed job (1), and from a BPMN error or wrong usage (2)."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit code."""
    from coupler.cli.parser import parser
    from coupler.errors import ConfigError

    options = parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except ConfigError as error:
        sys.stderr.write(f"coupler: {error}\n")
        return EXIT_CONFIG
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output has gone. What Python still wants to write at its end goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
