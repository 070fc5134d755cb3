"""Where kube-apiserver begins: `python -m apiserver`, and the command of that name."""

import sys

from component import imports

with imports.of_daemon():
    from apiserver.app import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
