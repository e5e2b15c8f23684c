"""What the tests' live process runs: the product's, and a few topics. It changes settings: import it nowhere else."""

from portal.asgi import application
from tests.events.topics import declare_topics

__all__ = ["application"]

declare_topics()
