from django.utils.translation import gettext_lazy as _

from apps.core.errors import Conflict, InvalidInput


class NameTaken(InvalidInput):
    slug = "name-taken"
    title = _("This name is taken")
    advice = _("Choose another name: it's in host names, so each cluster has it once.")


class ClusterInMaintenance(InvalidInput):
    slug = "cluster-in-maintenance"
    status = 409
    title = _("This cluster is in maintenance")
    advice = _("Choose another cluster, or try again when the maintenance is over.")


class TooManyGateways(Conflict):
    slug = "too-many-gateways"
    title = _("The workspace has as many gateways as it may")
    advice = _("Delete one that isn't needed any more, or ask those who run the platform to allow more.")


class BeingDeleted(Conflict):
    slug = "being-deleted"
    title = _("It's being deleted")
    advice = _("Nothing of it can be changed any more. Its name is free once it's gone.")
