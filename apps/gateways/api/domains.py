"""What is shown of a stage's custom domain, and what is taken for one."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.core.api.serializers import Input
from apps.gateways.certificates import MEANING, CertificateStatus
from apps.gateways.custom_domains import CustomStanding
from apps.gateways.models import CustomDomain
from apps.gateways.sizes import StageName


class RecordSerializer(serializers.Serializer[Any]):
    purpose = serializers.ChoiceField(choices=["proof", "calls"], help_text="`calls`: where the host has to lead.")
    type = serializers.ChoiceField(choices=["TXT", "CNAME"])
    name = serializers.CharField()
    value = serializers.CharField()


class CertificateSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=CertificateStatus.choices)
    detail = serializers.SerializerMethodField()

    def get_detail(self, row: dict[str, Any]) -> str:
        return str(MEANING[row["status"]])


class CustomDomainSerializer(serializers.Serializer[CustomStanding]):
    id = serializers.CharField(source="domain.pk")
    stage = serializers.ChoiceField(choices=StageName.choices)
    host = serializers.CharField(source="domain.host", help_text="As DNS has it: other scripts than Latin as xn--.")
    phase = serializers.ChoiceField(
        source="domain.phase",
        choices=CustomDomain.Phase.choices,
        help_text="`losing`: it serves without its record, until `ends_at`.",
    )
    is_serving = serializers.BooleanField(help_text="Its routes are in place.")
    because = serializers.CharField(help_text="What keeps it from that, in the reader's language; empty: nothing.")
    has_given_up = serializers.BooleanField(
        source="domain.has_stopped", help_text="It's looked for again once somebody has it checked."
    )
    records = RecordSerializer(many=True, help_text="What is to be made in DNS.")
    leads_here = serializers.BooleanField(
        source="domain.leads_here", allow_null=True, help_text="DNS leads the host to this stage; null: nobody knows."
    )
    leads_to = serializers.CharField(source="domain.leads_to", help_text="Where it leads; empty: nowhere yet.")
    certificate = serializers.SerializerMethodField()
    proven_at = serializers.DateTimeField(source="domain.proven_at", allow_null=True)
    checked_at = serializers.DateTimeField(source="domain.checked_at", allow_null=True)
    next_check_at = serializers.DateTimeField(allow_null=True)
    missing_since = serializers.DateTimeField(source="domain.missing_at", allow_null=True)
    ends_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField(source="domain.created_at")

    @extend_schema_field(CertificateSerializer)
    def get_certificate(self, row: CustomStanding) -> dict[str, Any]:
        return CertificateSerializer({"status": row.certificate}).data


class CustomDomainInput(Input):
    host = serializers.CharField(
        max_length=300, help_text="A host name alone, such as `api.example.com`; also in other scripts than Latin."
    )
