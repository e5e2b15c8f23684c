"""The floor of the REST API: what every endpoint under /v1/ does the same way, so that an app's api.py stays small."""
