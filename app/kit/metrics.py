"""Measurements for Prometheus. Labels are route templates and closed sets of names, never ids."""

from prometheus_client import Counter, Gauge, Histogram

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

REQUEST_SECONDS = Histogram(
    "minirag_request_seconds",
    "Time to serve a request, to the end of its body",
    ("method", "route", "status"),
    buckets=_FAST,
)
FIRST_TOKEN_SECONDS = Histogram(
    "minirag_first_token_seconds", "Time from a question to the first text of its answer", buckets=_FAST
)
ANSWERS = Counter("minirag_answers", "Answers by the reason they ended", ("finish_reason",))
FAILED_OPEN = Counter("minirag_failed_open", "Optional steps that failed and were done without", ("step",))
RUNS = Counter("minirag_runs", "Ingestion runs by how they ended", ("status",))
STAGE_SECONDS = Histogram("minirag_run_stage_seconds", "Time spent in a stage of ingestion", ("stage",))
QUEUE_DEPTH = Gauge("minirag_queue_depth", "Runs that wait for a worker")
OPEN_STREAMS = Gauge("minirag_open_streams", "Answers being produced by this process")
