"""What a gateway wants in its cluster, part by part, as manifests of the cluster's kind. No database is asked here."""
