from apps.fleet.models import Bundle


def bundle_of(cluster_id: str, key: str) -> Bundle | None:
    return Bundle.objects.filter(cluster_id=cluster_id, key=key).first()
