"""Events in the shape of the Open Cybersecurity Schema Framework, as collectors understand them.

Version 1.8.0 of the schema (github.com/ocsf/ocsf-schema, commit 3dcb905d26523ce4d5d0ba3c28c8507e2c859407): the classes API
Activity (6003) and Application Lifecycle (6002). What they have no field for is in `unmapped`.
"""

from collections.abc import Mapping
from typing import Any

from chassis.audit.signing import Head
from chassis.ports.audit_sink import AuditRecord

VERSION = "1.8.0"
APPLICATION_ACTIVITY = 6
APPLICATION_LIFECYCLE = 6002
API_ACTIVITY = 6003
SHA_256 = 3
INFORMATIONAL, LOW = 1, 2
OTHER = 99
API_ACTIVITIES = {
    **dict.fromkeys(("created", "accepted"), 1),
    **dict.fromkeys(("read", "accessed", "exported"), 2),
    **dict.fromkeys(("updated", "finished", "called", "migrated"), 3),
    "deleted": 4,
}
LIFECYCLE_ACTIVITIES = {"started": 3, "stopped": 4}
OUTCOMES = {"success": 1, "failure": 2}


def event_record(event: Mapping[str, Any], sequence: int, digest: bytes) -> AuditRecord:
    """Shape a sealed event; its digest is its id, so each copy of it can be compared with the chain."""
    context = event["context"]
    service = str(context.get("service", "unknown"))
    noun, _, verb = event["action"].partition(".")
    body = {
        **_classified(noun, verb),
        "time": int(event["created_at"].timestamp() * 1000),
        "severity_id": INFORMATIONAL if event["outcome"] == "success" else LOW,
        "status_id": OUTCOMES.get(event["outcome"], OTHER),
        "metadata": {
            **_metadata(service, str(context.get("version", "unknown")), digest.hex()),
            "event_code": event["action"],
            "sequence": sequence,
            "tenant_uid": event["tenant_id"],
        },
        "actor": {
            "user": {
                "uid": event["owner_id"],
                "org": {"uid": event["tenant_id"]},
                "groups": [{"name": role} for role in context.get("roles", [])],
            }
        },
        "resources": [_resource(event["resource"])],
        "raw_data_hash": {"algorithm_id": SHA_256, "value": digest.hex()},
        "unmapped": {"event_id": event["event_id"], "details": event["details"]},
    }
    if body["class_uid"] == API_ACTIVITY:
        body |= {
            "api": {"operation": event["action"], "service": {"name": service}},
            "src_endpoint": {"svc_name": service},
        }
    else:
        body["app"] = {"name": service, "vendor_name": "unknown", "version": str(context.get("version", "unknown"))}
    if body["status_id"] == OTHER:
        body["status"] = event["outcome"]
    return AuditRecord(digest.hex(), event["created_at"], body)


def head_record(head: Head, service: str, version: str) -> AuditRecord:
    """Shape a signed head, which is what makes a collector a witness."""
    body = {
        **_classified("audit", "signed"),
        "time": int(head.signed_at.timestamp() * 1000),
        "severity_id": INFORMATIONAL,
        "status_id": OUTCOMES["success"],
        "metadata": {
            **_metadata(service, version, f"head-{head.number}-{head.chain.hex()}"),
            "event_code": "audit.signed",
        },
        "actor": {"app_name": service},
        "api": {"operation": "audit.signed", "service": {"name": service}},
        "src_endpoint": {"svc_name": service},
        "unmapped": {"head": head.to_json()},
    }
    return AuditRecord(body["metadata"]["uid"], head.signed_at, body)


def _classified(noun: str, verb: str) -> dict[str, Any]:
    lifecycle = noun == "service" and verb in LIFECYCLE_ACTIVITIES
    class_uid = APPLICATION_LIFECYCLE if lifecycle else API_ACTIVITY
    activity = LIFECYCLE_ACTIVITIES[verb] if lifecycle else API_ACTIVITIES.get(verb, OTHER)
    return {
        "category_uid": APPLICATION_ACTIVITY,
        "class_uid": class_uid,
        "activity_id": activity,
        "activity_name": verb or noun,
        "type_uid": class_uid * 100 + activity,
    }


def _metadata(service: str, version: str, uid: str) -> dict[str, Any]:
    return {
        "version": VERSION,
        "uid": uid,
        "log_name": "audit",
        "product": {"name": service, "vendor_name": "unknown", "version": version},
    }


def _resource(resource: str) -> dict[str, Any]:
    kind, _, uid = resource.partition("/")
    return {"type": kind, "uid": uid or kind}
