"""Made from proto/agent/protocol/v1.proto by `tools/protocol.py`; `make check` says when it's out of date."""
