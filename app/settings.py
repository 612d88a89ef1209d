"""Every setting, read once from ``MINIRAG_*`` environment variables or a ``.env`` file and passed down from there.

``.env.example`` explains them to operators; a test holds the two together. Secrets that are left unset are made on
the first start and kept in ``<data>/secrets`` (``app/secrets.py``); there is no default secret.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

MEBIBYTE = 1024 * 1024


class Settings(BaseSettings):
    """What an operator may choose. Units are in the names; bounds are enforced at the start."""

    model_config = SettingsConfigDict(
        env_prefix="MINIRAG_", env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    # Where it listens and where it keeps things
    host: str = "127.0.0.1"
    """Address the server binds."""
    port: int = Field(default=8000, ge=0, le=65535)
    """Port the server binds; 0 lets the system choose one."""
    data_dir: Path = Path("./data")
    """Folder of the embedded database and index, uploaded files and generated secrets."""

    # Services; unset means the embedded driver
    database_url: str | None = None
    """``postgresql+asyncpg://user:password@host/name``. Unset: SQLite in the data folder."""
    database_pool_size: int = Field(default=10, ge=1, le=200)
    """Connections each process may hold to PostgreSQL."""
    redis_url: str | None = None
    """``redis://host:6379/0``. Unset: an in-process stand-in."""
    qdrant_url: str | None = None
    """``http://host:6333``. Unset: Qdrant's own core inside this process."""
    qdrant_api_key: SecretStr | None = None
    """Key of the Qdrant server, where it asks for one."""

    # Secrets; unset means generated in <data>/secrets
    admin_key: SecretStr | None = None
    """The platform's admin key, which makes and erases tenants."""
    encryption_keys: SecretStr | None = None
    """Fernet keys for credentials, comma-separated, newest first."""
    token_pepper: SecretStr | None = None
    """Key under which API tokens are hashed."""
    jwt_key: SecretStr | None = None
    """Key that signs console sessions."""

    # Doors
    open_signup: bool = False
    """Whether anybody may create a tenant without the admin key."""
    metrics_token: SecretStr | None = None
    """Bearer token that ``/metrics`` asks for, when set."""
    session_ttl_s: int = Field(default=12 * 3600, ge=60)
    """How long a console sign-in lasts, in seconds."""
    max_upload_bytes: int = Field(default=50 * MEBIBYTE, ge=1024)
    """Largest document, as uploaded or fetched, in bytes."""
    max_json_bytes: int = Field(default=MEBIBYTE, ge=1024)
    """Largest JSON body, in bytes; text sources may be as large as an upload."""
    allowed_fetch_hosts: Annotated[frozenset[str], NoDecode] = frozenset()
    """Hosts (``host`` or ``host:port``, comma-separated) exempt from the ban on private addresses."""

    # Providers
    provider_timeout_s: float = Field(default=30, gt=0)
    """Longest wait for a model's first token, in seconds, retries included."""
    provider_idle_s: float = Field(default=30, gt=0)
    """Longest silence between two tokens, in seconds."""
    provider_total_s: float = Field(default=600, gt=0)
    """Longest whole answer, in seconds."""

    models_dir: Path | None = None
    """Folder of the operator's own rerankers; bots name one as ``onnx:/absolute/path`` to a folder in it."""
    prices_file: Path | None = None
    """JSON file of prices that override the shipped table: ``{"model": {"input_cost_per_token": 1e-6, …}}``."""

    # Answers
    stream_ttl_s: int = Field(default=600, ge=10)
    """How long a finished answer's events can be replayed as they were, in seconds."""
    abandoned_answer_s: float = Field(default=30, gt=0)
    """How long an answer goes on with nobody listening, in seconds."""

    # Jobs
    worker_jobs: int = Field(default=4, ge=1, le=100)
    """Runs one worker handles at a time."""
    run_lease_s: float = Field(default=15, ge=1)
    """How long a worker may be silent before its run is given to another, in seconds."""
    run_attempts: int = Field(default=5, ge=1, le=20)
    """How often a run is tried when faults are transient."""
    run_retry_window_s: float = Field(default=600, ge=1)
    """Within how many seconds of a run's first transient fault its further attempts must begin."""
    sweep_interval_s: float = Field(default=5, ge=0.1)
    """How often lost work is looked for, in seconds."""
    parser_processes: int = Field(default=1, ge=1, le=32)
    """Child processes that read documents."""
    parse_timeout_s: float = Field(default=300, ge=1)
    """Longest time to read one document, in seconds."""
    parse_memory_bytes: int = Field(default=1024 * MEBIBYTE, ge=128 * MEBIBYTE)
    """Most memory the reading of one document may take, in bytes."""

    # Process
    startup_timeout_s: float = Field(default=30, ge=0)
    """How long to wait for services at the start, in seconds."""
    shutdown_grace_s: float = Field(default=15, ge=0)
    """How long what is in flight may go on after SIGTERM, in seconds."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Least severe line that is logged."""
    log_format: Literal["auto", "console", "json"] = "auto"
    """``auto`` is readable lines in a terminal and JSON elsewhere."""

    @field_validator("allowed_fetch_hosts", mode="before")
    @classmethod
    def _split_hosts(cls, value: object) -> object:
        if isinstance(value, str):
            return frozenset(host.strip().lower() for host in value.split(",") if host.strip())
        return value

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str | None) -> str | None:
        if value is None or value.startswith(("postgresql+asyncpg://", "sqlite+aiosqlite:///")):
            return value
        raise ValueError("must begin with postgresql+asyncpg:// (or sqlite+aiosqlite:///)")

    @property
    def effective_database_url(self) -> str:
        """The database's URL with the embedded default filled in."""
        return self.database_url or f"sqlite+aiosqlite:///{self.data_dir.resolve() / 'minirag.db'}"
