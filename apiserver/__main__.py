"""`python -m apiserver`: how the workers of one server are started."""

from apiserver.app import main

raise SystemExit(main())
