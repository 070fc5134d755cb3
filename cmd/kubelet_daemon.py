#!/usr/bin/env python3
"""Runs kubelet from a checkout; the installed command of that name does the same."""

import sys
from pathlib import Path

# A script's own folder comes first in sys.path, and this one must not: see docs/ARCHITECTURE.md.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from kubelet.__main__ import main  # noqa: E402  (only importable once the path is set)

if __name__ == "__main__":
    sys.exit(main())
