"""Where kube-controller-manager begins: `python -m controller`, and the command of that name."""

import sys

from component import imports

with imports.of_daemon():
    from controller.app import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
