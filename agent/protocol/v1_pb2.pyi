from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RegisterRequest(_message.Message):
    __slots__ = ("registration_token", "info")
    REGISTRATION_TOKEN_FIELD_NUMBER: _ClassVar[int]
    INFO_FIELD_NUMBER: _ClassVar[int]
    registration_token: str
    info: AgentInfo
    def __init__(self, registration_token: _Optional[str] = ..., info: _Optional[_Union[AgentInfo, _Mapping]] = ...) -> None: ...

class RegisterResponse(_message.Message):
    __slots__ = ("agent_id", "cluster_id", "tokens")
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_ID_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    agent_id: str
    cluster_id: str
    tokens: Tokens
    def __init__(self, agent_id: _Optional[str] = ..., cluster_id: _Optional[str] = ..., tokens: _Optional[_Union[Tokens, _Mapping]] = ...) -> None: ...

class RefreshRequest(_message.Message):
    __slots__ = ("refresh_token", "cluster_uid")
    REFRESH_TOKEN_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_UID_FIELD_NUMBER: _ClassVar[int]
    refresh_token: str
    cluster_uid: str
    def __init__(self, refresh_token: _Optional[str] = ..., cluster_uid: _Optional[str] = ...) -> None: ...

class Tokens(_message.Message):
    __slots__ = ("access_token", "refresh_token", "access_seconds")
    ACCESS_TOKEN_FIELD_NUMBER: _ClassVar[int]
    REFRESH_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ACCESS_SECONDS_FIELD_NUMBER: _ClassVar[int]
    access_token: str
    refresh_token: str
    access_seconds: int
    def __init__(self, access_token: _Optional[str] = ..., refresh_token: _Optional[str] = ..., access_seconds: _Optional[int] = ...) -> None: ...

class AgentInfo(_message.Message):
    __slots__ = ("version", "instance_id", "cluster_uid", "facts")
    class FactsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    VERSION_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_UID_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    version: str
    instance_id: str
    cluster_uid: str
    facts: _containers.ScalarMap[str, str]
    def __init__(self, version: _Optional[str] = ..., instance_id: _Optional[str] = ..., cluster_uid: _Optional[str] = ..., facts: _Optional[_Mapping[str, str]] = ...) -> None: ...

class AgentMessage(_message.Message):
    __slots__ = ("hello", "heartbeat", "ack", "status", "snapshot_request", "token")
    HELLO_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    ACK_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_REQUEST_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    hello: Hello
    heartbeat: Heartbeat
    ack: Ack
    status: BundleStatus
    snapshot_request: SnapshotRequest
    token: TokenUpdate
    def __init__(self, hello: _Optional[_Union[Hello, _Mapping]] = ..., heartbeat: _Optional[_Union[Heartbeat, _Mapping]] = ..., ack: _Optional[_Union[Ack, _Mapping]] = ..., status: _Optional[_Union[BundleStatus, _Mapping]] = ..., snapshot_request: _Optional[_Union[SnapshotRequest, _Mapping]] = ..., token: _Optional[_Union[TokenUpdate, _Mapping]] = ...) -> None: ...

class PortalMessage(_message.Message):
    __slots__ = ("welcome", "snapshot", "delta", "lead", "goodbye")
    WELCOME_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    LEAD_FIELD_NUMBER: _ClassVar[int]
    GOODBYE_FIELD_NUMBER: _ClassVar[int]
    welcome: Welcome
    snapshot: SnapshotChunk
    delta: Delta
    lead: Lead
    goodbye: Goodbye
    def __init__(self, welcome: _Optional[_Union[Welcome, _Mapping]] = ..., snapshot: _Optional[_Union[SnapshotChunk, _Mapping]] = ..., delta: _Optional[_Union[Delta, _Mapping]] = ..., lead: _Optional[_Union[Lead, _Mapping]] = ..., goodbye: _Optional[_Union[Goodbye, _Mapping]] = ...) -> None: ...

class Hello(_message.Message):
    __slots__ = ("info", "applied_revision", "state_digest")
    INFO_FIELD_NUMBER: _ClassVar[int]
    APPLIED_REVISION_FIELD_NUMBER: _ClassVar[int]
    STATE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    info: AgentInfo
    applied_revision: int
    state_digest: str
    def __init__(self, info: _Optional[_Union[AgentInfo, _Mapping]] = ..., applied_revision: _Optional[int] = ..., state_digest: _Optional[str] = ...) -> None: ...

class Welcome(_message.Message):
    __slots__ = ("session_id", "revision", "sync", "parameters", "leads")
    class Sync(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        SYNC_UNSPECIFIED: _ClassVar[Welcome.Sync]
        UP_TO_DATE: _ClassVar[Welcome.Sync]
        DELTA: _ClassVar[Welcome.Sync]
        SNAPSHOT: _ClassVar[Welcome.Sync]
    SYNC_UNSPECIFIED: Welcome.Sync
    UP_TO_DATE: Welcome.Sync
    DELTA: Welcome.Sync
    SNAPSHOT: Welcome.Sync
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    SYNC_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    LEADS_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    revision: int
    sync: Welcome.Sync
    parameters: Parameters
    leads: bool
    def __init__(self, session_id: _Optional[str] = ..., revision: _Optional[int] = ..., sync: _Optional[_Union[Welcome.Sync, str]] = ..., parameters: _Optional[_Union[Parameters, _Mapping]] = ..., leads: _Optional[bool] = ...) -> None: ...

class Parameters(_message.Message):
    __slots__ = ("heartbeat_seconds", "status_interval_ms")
    HEARTBEAT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    STATUS_INTERVAL_MS_FIELD_NUMBER: _ClassVar[int]
    heartbeat_seconds: int
    status_interval_ms: int
    def __init__(self, heartbeat_seconds: _Optional[int] = ..., status_interval_ms: _Optional[int] = ...) -> None: ...

class SnapshotChunk(_message.Message):
    __slots__ = ("revision", "index", "last", "bundles")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    BUNDLES_FIELD_NUMBER: _ClassVar[int]
    revision: int
    index: int
    last: bool
    bundles: _containers.RepeatedCompositeFieldContainer[Bundle]
    def __init__(self, revision: _Optional[int] = ..., index: _Optional[int] = ..., last: _Optional[bool] = ..., bundles: _Optional[_Iterable[_Union[Bundle, _Mapping]]] = ...) -> None: ...

class Delta(_message.Message):
    __slots__ = ("base_revision", "revision", "upserts", "removed")
    BASE_REVISION_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    UPSERTS_FIELD_NUMBER: _ClassVar[int]
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    base_revision: int
    revision: int
    upserts: _containers.RepeatedCompositeFieldContainer[Bundle]
    removed: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, base_revision: _Optional[int] = ..., revision: _Optional[int] = ..., upserts: _Optional[_Iterable[_Union[Bundle, _Mapping]]] = ..., removed: _Optional[_Iterable[str]] = ...) -> None: ...

class Bundle(_message.Message):
    __slots__ = ("key", "digest", "manifests")
    KEY_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    MANIFESTS_FIELD_NUMBER: _ClassVar[int]
    key: str
    digest: str
    manifests: bytes
    def __init__(self, key: _Optional[str] = ..., digest: _Optional[str] = ..., manifests: _Optional[bytes] = ...) -> None: ...

class Ack(_message.Message):
    __slots__ = ("revision", "result")
    class Result(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        RESULT_UNSPECIFIED: _ClassVar[Ack.Result]
        RECEIVED: _ClassVar[Ack.Result]
        APPLIED: _ClassVar[Ack.Result]
        OUT_OF_ORDER: _ClassVar[Ack.Result]
    RESULT_UNSPECIFIED: Ack.Result
    RECEIVED: Ack.Result
    APPLIED: Ack.Result
    OUT_OF_ORDER: Ack.Result
    REVISION_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    revision: int
    result: Ack.Result
    def __init__(self, revision: _Optional[int] = ..., result: _Optional[_Union[Ack.Result, str]] = ...) -> None: ...

class BundleStatus(_message.Message):
    __slots__ = ("key", "digest", "phase", "message", "objects")
    class Phase(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        PHASE_UNSPECIFIED: _ClassVar[BundleStatus.Phase]
        APPLYING: _ClassVar[BundleStatus.Phase]
        APPLIED: _ClassVar[BundleStatus.Phase]
        READY: _ClassVar[BundleStatus.Phase]
        FAILED: _ClassVar[BundleStatus.Phase]
        PRUNED: _ClassVar[BundleStatus.Phase]
    PHASE_UNSPECIFIED: BundleStatus.Phase
    APPLYING: BundleStatus.Phase
    APPLIED: BundleStatus.Phase
    READY: BundleStatus.Phase
    FAILED: BundleStatus.Phase
    PRUNED: BundleStatus.Phase
    KEY_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    OBJECTS_FIELD_NUMBER: _ClassVar[int]
    key: str
    digest: str
    phase: BundleStatus.Phase
    message: str
    objects: _containers.RepeatedCompositeFieldContainer[ObjectStatus]
    def __init__(self, key: _Optional[str] = ..., digest: _Optional[str] = ..., phase: _Optional[_Union[BundleStatus.Phase, str]] = ..., message: _Optional[str] = ..., objects: _Optional[_Iterable[_Union[ObjectStatus, _Mapping]]] = ...) -> None: ...

class ObjectStatus(_message.Message):
    __slots__ = ("api_version", "kind", "namespace", "name", "message", "conditions")
    API_VERSION_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    CONDITIONS_FIELD_NUMBER: _ClassVar[int]
    api_version: str
    kind: str
    namespace: str
    name: str
    message: str
    conditions: _containers.RepeatedCompositeFieldContainer[Condition]
    def __init__(self, api_version: _Optional[str] = ..., kind: _Optional[str] = ..., namespace: _Optional[str] = ..., name: _Optional[str] = ..., message: _Optional[str] = ..., conditions: _Optional[_Iterable[_Union[Condition, _Mapping]]] = ...) -> None: ...

class Condition(_message.Message):
    __slots__ = ("type", "is_true", "message")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    IS_TRUE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    type: str
    is_true: bool
    message: str
    def __init__(self, type: _Optional[str] = ..., is_true: _Optional[bool] = ..., message: _Optional[str] = ...) -> None: ...

class Heartbeat(_message.Message):
    __slots__ = ("applied_revision", "state_digest", "waiting", "failed", "facts")
    class FactsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    APPLIED_REVISION_FIELD_NUMBER: _ClassVar[int]
    STATE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    WAITING_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    applied_revision: int
    state_digest: str
    waiting: int
    failed: int
    facts: _containers.ScalarMap[str, str]
    def __init__(self, applied_revision: _Optional[int] = ..., state_digest: _Optional[str] = ..., waiting: _Optional[int] = ..., failed: _Optional[int] = ..., facts: _Optional[_Mapping[str, str]] = ...) -> None: ...

class SnapshotRequest(_message.Message):
    __slots__ = ("reason",)
    REASON_FIELD_NUMBER: _ClassVar[int]
    reason: str
    def __init__(self, reason: _Optional[str] = ...) -> None: ...

class TokenUpdate(_message.Message):
    __slots__ = ("access_token",)
    ACCESS_TOKEN_FIELD_NUMBER: _ClassVar[int]
    access_token: str
    def __init__(self, access_token: _Optional[str] = ...) -> None: ...

class Lead(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Goodbye(_message.Message):
    __slots__ = ("reason", "retry_after_seconds", "message")
    class Reason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        REASON_UNSPECIFIED: _ClassVar[Goodbye.Reason]
        SHUTDOWN: _ClassVar[Goodbye.Reason]
        SUPERSEDED: _ClassVar[Goodbye.Reason]
        REVOKED: _ClassVar[Goodbye.Reason]
        TOKEN_EXPIRED: _ClassVar[Goodbye.Reason]
        PROTOCOL: _ClassVar[Goodbye.Reason]
        CLONE: _ClassVar[Goodbye.Reason]
    REASON_UNSPECIFIED: Goodbye.Reason
    SHUTDOWN: Goodbye.Reason
    SUPERSEDED: Goodbye.Reason
    REVOKED: Goodbye.Reason
    TOKEN_EXPIRED: Goodbye.Reason
    PROTOCOL: Goodbye.Reason
    CLONE: Goodbye.Reason
    REASON_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_SECONDS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    reason: Goodbye.Reason
    retry_after_seconds: int
    message: str
    def __init__(self, reason: _Optional[_Union[Goodbye.Reason, str]] = ..., retry_after_seconds: _Optional[int] = ..., message: _Optional[str] = ...) -> None: ...
