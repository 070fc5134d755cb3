"""Where kube-scheduler begins: `python -m scheduler`, and the command of that name."""

import sys

from component import imports

with imports.of_daemon():
    from scheduler.app import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
