"""What is shown of a function, and what is taken to make and change one."""

from typing import Any, get_args

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from apps.core.api.serializers import Input
from apps.functions.files import Unchanged
from apps.functions.models import (
    LONGEST_DESCRIPTION,
    LONGEST_METHOD,
    LONGEST_NAME,
    LONGEST_NOTE,
    LONGEST_PATH,
    LONGEST_TAG,
    Draft,
    Function,
    FunctionVersion,
)
from apps.functions.publishing import Live, standing_of
from apps.functions.publishing.live import State
from apps.functions.selectors import called_at
from apps.functions.services.wishes import LONGEST_TIMEOUT_MS, METHODS, SHORTEST_TIMEOUT_MS, USUAL_TIMEOUT_MS
from apps.functions.templates import TEMPLATES

HANDLER = "export default async (req: ImpRequest, res: ImpResponse) => {\n  return { id: req.params.id };\n};\n"


class FileHashSerializer(serializers.Serializer[Any]):
    sha256 = serializers.CharField(help_text="Of its text in UTF-8, in hex.")
    size = serializers.IntegerField(help_text="In bytes.")


class LiveSerializer(serializers.Serializer[Any]):
    state = serializers.ChoiceField(
        choices=get_args(State),
        help_text="`live`: each process that is there answers with this version. `publishing`: it's on its way. "
        "`waiting`: it goes live when the gateway starts. `failed`: it couldn't be loaded, and what was live goes on.",
    )
    version = serializers.IntegerField(allow_null=True, help_text="That callers get now; null: none yet.")
    ms = serializers.FloatField(allow_null=True, help_text="From the save until it was live.")
    compile_ms = serializers.FloatField(allow_null=True)
    store_ms = serializers.FloatField(allow_null=True)
    load_ms = serializers.FloatField(allow_null=True)
    error = serializers.CharField(help_text="Why it couldn't be loaded or published; empty: nothing is wrong.")


class FunctionSerializer(serializers.ModelSerializer[Function]):
    gateway = serializers.CharField(source="gateway_id", read_only=True, help_text="Its id.")
    name = serializers.CharField(read_only=True, help_text="With its stage. In addresses, percent-encoded.")
    methods = serializers.ListField(
        child=serializers.ChoiceField(choices=METHODS), read_only=True, help_text="Empty: it answers all of them."
    )
    url = serializers.SerializerMethodField("where", help_text="Where it's called.")
    entrypoint = serializers.CharField(source="head.entrypoint", read_only=True)
    files = serializers.SerializerMethodField("shown_files", help_text="By path. Their text is at `…/source`.")
    dependencies = serializers.SerializerMethodField(help_text="The npm packages that it was built with.")
    note = serializers.CharField(source="head.note", read_only=True)
    saved_by = serializers.CharField(source="head.saved_by_name", read_only=True)
    saved_at = serializers.DateTimeField(source="head.saved_at", read_only=True)
    live = serializers.SerializerMethodField("standing")

    class Meta:
        model = Function
        fields = [
            "id",
            "gateway",
            "name",
            "stage",
            "base_name",
            "description",
            "tags",
            "methods",
            "timeout_ms",
            "semver",
            "url",
            "entrypoint",
            "files",
            "dependencies",
            "note",
            "saved_by",
            "saved_at",
            "live",
            "created_at",
            "version",
        ]
        read_only_fields = fields

    def where(self, row: Function) -> str:
        return called_at(row)

    @extend_schema_field(serializers.DictField(child=FileHashSerializer()))
    def shown_files(self, row: Function) -> dict[str, Any]:
        return row.head.hashes if row.head else {}

    @extend_schema_field(serializers.DictField(child=serializers.CharField()))
    def get_dependencies(self, row: Function) -> dict[str, str]:
        return row.head.dependencies if row.head else {}

    @extend_schema_field(LiveSerializer)
    def standing(self, row: Function) -> dict[str, Any]:
        return shown_live(standing_of(row), row)


def shown_live(live: Live, row: Function) -> dict[str, Any]:
    return {
        "state": live.state,
        "version": row.live_version or None,
        "ms": live.ms,
        "compile_ms": live.compile_ms,
        "store_ms": live.store_ms,
        "load_ms": live.load_ms,
        "error": live.error,
    }


class DeletedSerializer(serializers.ModelSerializer[Function]):
    name = serializers.CharField(read_only=True)

    class Meta:
        model = Function
        fields = ["id", "name", "stage", "base_name", "description", "deleted_at", "deleted_by", "version"]
        read_only_fields = fields


class SourceSerializer(serializers.Serializer[FunctionVersion]):
    version = serializers.IntegerField(source="number")
    entrypoint = serializers.CharField()
    files = serializers.DictField(child=serializers.CharField(), help_text="Path to text.")


class VersionSerializer(serializers.ModelSerializer[FunctionVersion]):
    kind = serializers.ChoiceField(choices=FunctionVersion.Kind.choices)
    files = serializers.SerializerMethodField("shown_files", help_text="By path. Their text is at `…/source`.")
    dependencies = serializers.DictField(
        child=serializers.CharField(), help_text="The npm packages that it was built with."
    )
    artifact = serializers.CharField(source="artifact.digest", help_text="The digest of what it was compiled to.")
    saved_by = serializers.CharField(source="saved_by_name", read_only=True)

    class Meta:
        model = FunctionVersion
        fields = [
            "id",
            "number",
            "kind",
            "base_name",
            "entrypoint",
            "files",
            "description",
            "tags",
            "methods",
            "timeout_ms",
            "semver",
            "dependencies",
            "artifact",
            "note",
            "is_pinned",
            "saved_by",
            "saved_at",
        ]
        read_only_fields = fields

    @extend_schema_field(serializers.DictField(child=FileHashSerializer()))
    def shown_files(self, row: FunctionVersion) -> dict[str, Any]:
        return dict(row.hashes)


class DraftSerializer(serializers.ModelSerializer[Draft]):
    files = serializers.DictField(child=serializers.CharField(), help_text="Path to text.")

    class Meta:
        model = Draft
        fields = ["id", "base_version", "files", "entrypoint", "revision", "updated_at"]
        read_only_fields = fields


# --- What is taken ---------------------------------------------------------------------------------


class FileInput(Input):
    """A file: its text, or, where it's known already, its hash."""

    content = serializers.CharField(
        required=False, allow_blank=True, trim_whitespace=False, help_text="Its text, unless `sha256` says which."
    )
    sha256 = serializers.RegexField(
        "^[0-9a-f]{64}$", required=False, help_text="Of a file of an earlier version: it needn't be sent again."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("content" in attrs) == ("sha256" in attrs):
            raise serializers.ValidationError(_("Give it content, or the sha256 of what is known: one of the two."))
        return attrs


class FilesField(serializers.DictField):
    """By path. Comes out as services take it."""

    child = FileInput()

    def to_internal_value(self, data: Any) -> Any:
        return given_files(super().to_internal_value(data))


def given_files(files: dict[str, dict[str, str]]) -> dict[str, str | Unchanged]:
    return {path: each["content"] if "content" in each else Unchanged(each["sha256"]) for path, each in files.items()}


class SettingsInput(Input):
    entrypoint = serializers.CharField(
        max_length=LONGEST_PATH,
        required=False,
        allow_blank=True,
        help_text="Which file holds the handler. Without it: the usual one, such as `index.ts`, or the only one.",
    )
    description = serializers.CharField(max_length=LONGEST_DESCRIPTION, required=False, allow_blank=True)
    tags = serializers.ListField(child=serializers.CharField(max_length=LONGEST_TAG), required=False)
    methods = serializers.ListField(
        child=serializers.CharField(max_length=LONGEST_METHOD),
        required=False,
        help_text=f"Of {', '.join(METHODS)}. Empty: all of them.",
    )
    timeout_ms = serializers.IntegerField(
        required=False,
        min_value=SHORTEST_TIMEOUT_MS,
        max_value=LONGEST_TIMEOUT_MS,
        help_text=f"How long a call may take. Without it: {USUAL_TIMEOUT_MS}.",
    )
    note = serializers.CharField(
        max_length=LONGEST_NOTE, default="", allow_blank=True, help_text="For the history: what changed, and why."
    )


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "From files",
            value={
                "name": "dev/user/:id",
                "files": {"handler.ts": {"content": HANDLER}},
                "entrypoint": "handler.ts",
                "methods": ["GET"],
                "description": "A user by id",
                "tags": ["public"],
            },
            request_only=True,
        ),
        OpenApiExample("From a template", value={"name": "hello", "template": "hello"}, request_only=True),
    ]
)
class FunctionInput(SettingsInput):
    name = serializers.CharField(
        max_length=LONGEST_NAME + 16,
        help_text="Such as `dev/user/:id`; without a stage it's in dev. The rest is the path of its calls.",
    )
    files = FilesField(required=False, help_text="Path to file. Without them, it begins as the template has it.")
    template = serializers.ChoiceField(choices=list(TEMPLATES), required=False, help_text="Instead of files.")


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Only what changed",
            value={
                "base_version": 7,
                "files": {
                    "handler.ts": {"content": HANDLER},
                    "zones.ts": {"sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"},
                },
                "note": "Read the id from the path",
            },
            request_only=True,
        )
    ]
)
class FunctionChanges(SettingsInput):
    files = FilesField(
        required=False, help_text="All of them: what isn't named is gone. An unchanged one by its `sha256`."
    )
    base_version = serializers.IntegerField(
        required=False,
        min_value=1,
        help_text="The version that this was thought out on. Where somebody saved since, the answer is `stale-save` "
        "with what changed and a merge. Instead of it, If-Match.",
    )
    override = serializers.BooleanField(default=False, help_text="Save although somebody else saved since.")


class NameInput(Input):
    name = serializers.CharField(max_length=LONGEST_NAME + 16, help_text="Such as `dev/user/me`.")


class RestoreInput(Input):
    name = serializers.CharField(
        max_length=LONGEST_NAME + 16,
        default="",
        allow_blank=True,
        help_text="Another one than before, where that is taken by now.",
    )


class PinInput(Input):
    is_pinned = serializers.BooleanField(help_text="Kept, however many versions come after it.")


class DraftInput(Input):
    files = FilesField(help_text="All of them. Needn't compile.")
    entrypoint = serializers.CharField(max_length=LONGEST_PATH, allow_blank=True)
    base_version = serializers.IntegerField(min_value=1, help_text="The version that it was begun from.")
    revision = serializers.IntegerField(
        min_value=0,
        allow_null=True,
        default=None,
        help_text="Of the draft that this goes on from, 0 for none: `stale-draft` where another window saved since.",
    )
