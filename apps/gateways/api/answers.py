"""What is shown of a gateway, and what is taken to make and change one."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.core.api.serializers import Input, ModelInput
from apps.fleet.models import Bundle
from apps.gateways.egress import LONGEST_HOST, MOST_HOSTS, EgressMode
from apps.gateways.lifecycle.table import State
from apps.gateways.models import (
    LONGEST_NAME,
    LONGEST_REASON,
    LONGEST_TITLE,
    LONGEST_VALUE,
    LONGEST_VARIABLE,
    FunctionGateway,
    Stage,
    Variable,
)
from apps.gateways.progress import why
from apps.gateways.rendering.names import PARTS
from apps.gateways.selectors import address_of, all_hosts_of, custom_domain_of
from apps.gateways.sizes import Layout, SizeName, StageName

ABSENT = "absent"


class StageSerializer(serializers.Serializer[Any]):
    name = serializers.ChoiceField(choices=StageName.choices)
    state = serializers.ChoiceField(choices=Stage.State.choices)
    inactive_because = serializers.CharField(help_text="What callers are told while it's inactive.")
    hosts = serializers.ListField(
        child=serializers.CharField(),
        help_text="The names that it answers to: the platform's, and its own once proven.",
    )
    addresses = serializers.ListField(child=serializers.URLField(), help_text="Where it's called.")
    custom_domain = serializers.CharField(allow_null=True, help_text="The host of its own, also while it's unproven.")


class ConditionSerializer(serializers.Serializer[Any]):
    part = serializers.ChoiceField(choices=PARTS)
    phase = serializers.ChoiceField(
        choices=[*Bundle.Phase.values, ABSENT], help_text="As the cluster says. `absent`: nothing of it is wanted."
    )
    is_current = serializers.BooleanField(help_text="It's said of what is wanted now.")
    message = serializers.CharField()
    at = serializers.DateTimeField(allow_null=True)


class GatewaySerializer(serializers.ModelSerializer[FunctionGateway]):
    tenant = serializers.CharField(source="tenant_id", read_only=True, help_text="The workspace's id.")
    cluster = serializers.CharField(source="cluster_id", read_only=True, help_text="Its id.")
    cluster_name = serializers.CharField(source="cluster.name", read_only=True)
    owner = serializers.CharField(source="owner_id", read_only=True, allow_null=True, help_text="A person's id.")
    wanted = serializers.ChoiceField(
        choices=State.choices, read_only=True, help_text="What counts of `state`: `stopped` while it's held."
    )
    is_held = serializers.SerializerMethodField(help_text="Kept stopped while its workspace is suspended.")
    has_given_up = serializers.BooleanField(
        source="has_stopped", read_only=True, help_text="It's tried again when somebody starts it."
    )
    waits_for = serializers.SerializerMethodField(help_text="Why it doesn't come further; empty while it does.")
    next_try_at = serializers.DateTimeField(
        source="due_at", read_only=True, allow_null=True, help_text="Null: it's at rest."
    )
    stages = serializers.SerializerMethodField()
    conditions = serializers.SerializerMethodField(help_text="What its cluster says of each of its parts.")

    class Meta:
        model = FunctionGateway
        fields = [
            "id",
            "tenant",
            "name",
            "title",
            "cluster",
            "cluster_name",
            "owner",
            "size",
            "layout",
            "egress_mode",
            "egress_hosts",
            "state",
            "state_at",
            "wanted",
            "phase",
            "phase_at",
            "is_held",
            "has_given_up",
            "waits_for",
            "attempts",
            "next_try_at",
            "generation",
            "observed_generation",
            "restarts",
            "stages",
            "conditions",
            "created_at",
            "updated_at",
            "version",
        ]
        read_only_fields = fields

    def get_is_held(self, row: FunctionGateway) -> bool:
        return row.held_at is not None

    def get_waits_for(self, row: FunctionGateway) -> str:
        return why(row, getattr(row, "domain", None))

    @extend_schema_field(StageSerializer(many=True))
    def get_stages(self, row: FunctionGateway) -> list[dict[str, Any]]:
        there = {stage.name: stage for stage in row.stages.all()}
        return [_stage(row, there[name]) for name in StageName if name in there]

    @extend_schema_field(ConditionSerializer(many=True))
    def get_conditions(self, row: FunctionGateway) -> list[dict[str, Any]]:
        bundles: dict[str, Bundle] = row.bundles  # type: ignore[attr-defined]
        return [_condition(part, bundles.get(part)) for part in PARTS]


class VariableSerializer(serializers.ModelSerializer[Variable]):
    value = serializers.SerializerMethodField("shown_value", help_text="Null: it's a secret, and shown to nobody.")

    class Meta:
        model = Variable
        fields = ["name", "is_secret", "value", "changed_at"]
        read_only_fields = fields

    def shown_value(self, row: Variable) -> str | None:
        return None if row.is_secret else row.value


class VariablesSerializer(serializers.Serializer[Any]):
    items = VariableSerializer(many=True)


class SettingInput(Input):
    name = serializers.CharField(max_length=LONGEST_VARIABLE)
    value = serializers.CharField(
        max_length=LONGEST_VALUE,
        allow_null=True,
        allow_blank=True,
        trim_whitespace=False,
        default=None,
        help_text="Without one, the value that it has stays.",
    )
    is_secret = serializers.BooleanField(default=False)


class VariablesInput(Input):
    variables = SettingInput(many=True, default=list)
    env = serializers.CharField(
        default="", allow_blank=True, trim_whitespace=False, help_text="The text of a .env file, with more of them."
    )
    env_is_secret = serializers.BooleanField(default=True, help_text="What is in `env` is kept as secrets.")


class VariablesChanges(VariablesInput):
    remove = serializers.ListField(
        child=serializers.CharField(max_length=LONGEST_VARIABLE), default=list, help_text="Names."
    )


class GatewayInput(Input):
    name = serializers.CharField(
        max_length=LONGEST_NAME, help_text="In every host name, so it stays: small letters, digits, hyphens."
    )
    cluster = serializers.CharField(max_length=63, help_text="Where it runs: a cluster's id or name.")
    title = serializers.CharField(
        max_length=LONGEST_TITLE, default="", allow_blank=True, help_text="Without one, it's made from the name."
    )
    size = serializers.ChoiceField(choices=SizeName.choices, default=SizeName.SMALL)
    layout = serializers.ChoiceField(
        choices=Layout.choices, default=Layout.PROD_APART, help_text="Which stages share a process."
    )
    owner = serializers.CharField(max_length=64, default="", allow_blank=True, help_text="Without one, it's you.")
    variables = SettingInput(many=True, default=list)


class GatewayChanges(ModelInput):
    owner = serializers.CharField(max_length=64, help_text="Somebody of the workspace, by id.")

    class Meta:
        model = FunctionGateway
        fields: ClassVar[list[str]] = ["title", "size", "layout", "owner"]


class EgressInput(Input):
    egress_mode = serializers.ChoiceField(choices=EgressMode.choices)
    egress_hosts = serializers.ListField(
        child=serializers.CharField(max_length=LONGEST_HOST + 6),
        max_length=MOST_HOSTS,
        required=False,
        help_text="Such as `api.example.com` or `*.example.com`, either with a port. Without any, the list stays.",
    )


class StageChanges(Input):
    state = serializers.ChoiceField(choices=Stage.State.choices)
    reason = serializers.CharField(
        max_length=LONGEST_REASON, default="", allow_blank=True, help_text="Callers read it while it's inactive."
    )


def _stage(gateway: FunctionGateway, stage: Stage) -> dict[str, Any]:
    hosts, custom = all_hosts_of(gateway, stage), custom_domain_of(stage)
    return {
        "name": stage.name,
        "state": stage.state,
        "inactive_because": stage.inactive_because,
        "hosts": list(hosts),
        "addresses": [address_of(gateway, host) for host in hosts],
        "custom_domain": custom.host if custom else None,
    }


def _condition(part: str, bundle: Bundle | None) -> dict[str, Any]:
    if bundle is None:
        return {"part": part, "phase": ABSENT, "is_current": True, "message": "", "at": None}
    return {
        "part": part,
        "phase": bundle.phase,
        "is_current": bundle.is_current,
        "message": bundle.message,
        "at": bundle.reported_at,
    }
