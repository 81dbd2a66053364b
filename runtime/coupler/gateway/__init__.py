"""The orchestration cluster as a worker sees it."""

from __future__ import annotations

import os

# gRPC reads this when it is imported. Its INFO lines (every connection that ends) would go to standard error past our
# own log; what matters in them is in the errors that calls raise.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
