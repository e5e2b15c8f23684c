import gc
from importlib import import_module

from django.conf import settings


def settle_memory() -> None:
    """Keeps what Django has loaded out of full collections: going over all of it stops every answer for 100 ms.

    For a process that has loaded its part and is about to answer.
    """
    # Loaded at the first request, or in the live process at the first refusal, it would be such a stop too
    import_module(settings.ROOT_URLCONF)
    gc.collect()
    gc.freeze()
