"""Where kubelet begins: `python -m kubelet`, and the command of that name."""

import sys

from component import imports

with imports.of_daemon():
    from kubelet.app import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
