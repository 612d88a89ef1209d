"""One ordered log per stream, followed from any point, in this process and in others.

An answer, a run's progress: whatever is told step by step is appended to a stream here, and whoever wants to know
follows it. Followers in the writer's process read the writer's memory; the log is copied to Redis in the background,
where the followers of other processes read it. So a reader may leave and come back elsewhere and miss nothing, and
losing Redis costs nobody who is already listening here.
"""

from app.adapters.event_log.events import LoggedEvent, StreamFull, StreamUnknown, WriterLost, position
from app.adapters.event_log.log import EventLog, EventWriter
from app.adapters.event_log.news import MISSED

__all__ = ["MISSED", "EventLog", "EventWriter", "LoggedEvent", "StreamFull", "StreamUnknown", "WriterLost", "position"]
