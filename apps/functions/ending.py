"""A gateway's functions go with it."""

from django.db import transaction

from apps.functions.models import Artifact, Dependencies, Function, Lock
from apps.functions.sweeping import remove_for_good
from apps.gateways.models import FunctionGateway

AT_ONCE = 100


def remove_functions(gateway: FunctionGateway) -> None:
    """A step of its deletion. Its own database goes as a whole, so nothing has to be said there."""
    while found := list(Function.objects.filter(gateway=gateway).order_by("pk")[:AT_ONCE]):
        with transaction.atomic():
            remove_for_good(found)
    with transaction.atomic():
        Dependencies.objects.filter(gateway=gateway).delete()
        Lock.objects.filter(gateway=gateway).delete()
        Artifact.objects.filter(gateway=gateway).delete()
