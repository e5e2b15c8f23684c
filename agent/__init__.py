"""The agent of a cluster: brings about what the portal wants there. Knows nothing of Django."""
