"""The words of the event log. Webhooks subscribe to them, so a word once used keeps its meaning."""

from enum import StrEnum


class EventType(StrEnum):
    """What can happen."""

    SOURCE_CREATED = "source.created"
    RUN_STARTED = "run.started"
    RUN_SUCCEEDED = "run.succeeded"
    RUN_FAILED = "run.failed"
    DOCUMENT_ACTIVATED = "document.activated"
    DOCUMENT_DEACTIVATED = "document.deactivated"
    SOURCE_DELETED = "source.deleted"
    MESSAGE_COMPLETED = "message.completed"
    MESSAGE_FEEDBACK = "message.feedback"
    QUOTA_WARNING = "quota.warning"
    QUOTA_EXCEEDED = "quota.exceeded"
