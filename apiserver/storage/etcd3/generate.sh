#!/bin/sh
# Makes rpc_pb2.py and its types of rpc.proto; run it after changing that. Needs grpcio-tools and mypy-protobuf, which
# are development dependencies. The protobuf that runs must be at least as new as the one that generates.
set -eu
cd "$(dirname "$0")"
bin="${VENV_BIN:-$(cd ../../../.venv/bin && pwd)}"
PATH="$bin:$PATH" exec "$bin/python" -m grpc_tools.protoc --proto_path=. --python_out=. --mypy_out=. rpc.proto
