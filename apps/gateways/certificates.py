"""Who encrypts calls to a custom domain, as far as its cluster can say."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from apps.core.errors import Text
from apps.fleet.models import Cluster

# What its agent says of a cluster that gets certificates by itself
FACT = "certificates"


class CertificateStatus(TextChoices):
    NONE = "none", _("none")
    OF_CLUSTER = "of-cluster", _("the cluster's")


MEANING: dict[CertificateStatus, Text] = {
    CertificateStatus.NONE: _("This cluster answers plain HTTP. Put what ends TLS before it, with the certificate."),
    CertificateStatus.OF_CLUSTER: _("The cluster gets the certificate and renews it."),
}


def certificate_status(cluster: Cluster) -> CertificateStatus:
    """Unless its agent says otherwise, as that of the built-in engine doesn't, a cluster has none."""
    said = cluster.facts.get(FACT)
    return CertificateStatus(said) if said in CertificateStatus.values else CertificateStatus.NONE
