"""Redis: a server named by a URL, or one imitated inside this process when there is none.

The imitation (fakeredis) keeps everything in memory and belongs to one process, which is all the embedded mode asks
of it: SQL is the truth, Redis only carries messages. Each consumer takes a client of its own, since closing one
closes its connections.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Protocol, cast

from redis import exceptions
from redis.asyncio import ConnectionPool
from redis.asyncio import Redis as RedisPy

from app.kit.errors import AppError, DependencyDown, Invalid

if TYPE_CHECKING:
    from fakeredis import FakeServer

REPLY_S = 5.0
"""How long one reply may take, in seconds. A blocking command must ask for less."""
CONNECT_S = 2.0

Command = tuple[str | int | float | bytes, ...]
"""A command as Redis documents it, ``("SET", "key", "value", "PX", 500)``."""

_LOST = (exceptions.ConnectionError, exceptions.TimeoutError, OSError, TimeoutError)


class CommandRefused(AppError):
    """Redis answered a command with an error; the detail is its own sentence."""

    code = "redis_refused"
    title = "Redis refused a command"


class _Pipeline(Protocol):
    """The part of redis-py's pipeline used here, which is not typed."""

    def execute_command(self, *words: str | int | float | bytes) -> object: ...
    async def execute(self, raise_on_error: bool) -> list[object]: ...
    async def reset(self) -> None: ...


class _PubSub(Protocol):
    """The part of redis-py's subscription used here, which is not typed."""

    async def subscribe(self, *channels: str) -> None: ...
    async def get_message(self, ignore_subscribe_messages: bool, timeout: float) -> dict[str, object] | None: ...
    async def aclose(self) -> None: ...


class RedisClient:
    """Commands with deadlines, text in and text out, and our own errors."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._redis = RedisPy(connection_pool=pool)

    async def each(self, *commands: Command) -> list[object]:
        """All commands in one round trip; a refused one leaves a ``CommandRefused`` in its place.

        Raises ``DependencyDown`` where Redis does not answer; some of the commands may have run nevertheless.
        """
        pipeline = cast(_Pipeline, self._redis.pipeline(transaction=False))
        try:
            for command in commands:
                pipeline.execute_command(*command)
            replies = await pipeline.execute(raise_on_error=False)
        except exceptions.RedisError as error:
            raise _down(error) from error
        except OSError as error:
            raise _down(error) from error
        return [CommandRefused(str(reply)) if isinstance(reply, Exception) else reply for reply in replies]

    async def run(self, *commands: Command) -> list[object]:
        """As ``each``, but the first refusal is raised, as ``CommandRefused``, after all commands have run."""
        replies = await self.each(*commands)
        for reply in replies:
            if isinstance(reply, CommandRefused):
                raise reply
        return replies

    async def call(self, *command: str | int | float | bytes) -> object:
        """One command; raises ``DependencyDown`` and ``CommandRefused``."""
        return (await self.run(command))[0]

    async def get(self, key: str) -> str | None:
        """The text at ``key``."""
        return cast(str | None, await self.call("GET", key))

    async def set(self, key: str, value: str, ttl_s: float) -> None:
        """Keep a text for ``ttl_s`` seconds. There is no way to keep one for ever: Redis may be lost."""
        await self.call("SET", key, value, "PX", max(1, round(ttl_s * 1000)))

    async def delete(self, *keys: str) -> int:
        """Forget keys; how many there were."""
        return cast(int, await self.call("DEL", *keys)) if keys else 0

    async def ping(self) -> None:
        """Raise ``DependencyDown`` unless Redis answers."""
        await self.call("PING")

    @asynccontextmanager
    async def subscribed(self, channel: str) -> AsyncGenerator["Subscription"]:
        """A subscription, on a connection of its own, that holds until the block ends."""
        pubsub = cast(_PubSub, self._redis.pubsub())  # pyright: ignore[reportUnknownMemberType]  # Bare **kwargs again.
        try:
            try:
                await pubsub.subscribe(channel)
            except _LOST as error:
                raise _down(error) from error
            yield Subscription(pubsub)
        finally:
            with suppress(*_LOST):
                await pubsub.aclose()

    async def aclose(self) -> None:
        """Close every connection of this client."""
        with suppress(*_LOST):
            await self._redis.aclose(close_connection_pool=True)


class Subscription:
    """What a channel says from now on."""

    def __init__(self, pubsub: _PubSub) -> None:
        self._pubsub = pubsub

    async def next(self, wait_s: float) -> str | None:
        """The next message, or ``None`` after ``wait_s`` seconds; raises ``DependencyDown``."""
        try:
            message = await self._pubsub.get_message(ignore_subscribe_messages=True, timeout=wait_s)
        except _LOST as error:
            raise _down(error) from error
        return cast(str, message["data"]) if message else None


class RedisSource:
    """Where Redis is; makes clients and connection pools for it, and closes the clients it made.

    ``shared`` says whether other processes see the same data.
    """

    def __init__(self, url: str | None, fake: "FakeServer | None") -> None:
        self._url = url
        self._fake = fake
        self._clients: list[RedisClient] = []

    @property
    def shared(self) -> bool:
        """Whether this Redis is a server that other processes can reach too."""
        return self._fake is None

    def client(self) -> RedisClient:
        """A client with its own connections."""
        client = RedisClient(self.pool(text=True))
        self._clients.append(client)
        return client

    def pool(self, *, text: bool = False) -> ConnectionPool:
        """A connection pool for a library that speaks Redis itself; replies are ``bytes`` unless ``text``."""
        if self._fake is not None:
            from fakeredis import FakeAsyncRedis  # noqa: PLC0415  # A production process never needs it.

            imitation = FakeAsyncRedis(server=self._fake, decode_responses=text)
            return cast(ConnectionPool, imitation.connection_pool)
        return ConnectionPool.from_url(  # pyright: ignore[reportUnknownMemberType]  # redis-py leaves **kwargs bare.
            str(self._url),
            decode_responses=text,
            socket_timeout=REPLY_S,
            socket_connect_timeout=CONNECT_S,
            socket_keepalive=True,
            health_check_interval=30,
        )

    async def aclose(self) -> None:
        """Close every client made here."""
        for client in reversed(self._clients):
            await client.aclose()
        self._clients.clear()


def open_redis(url: str | None) -> RedisSource:
    """Redis at ``url`` (``redis://``, ``rediss://`` or ``unix://``), or imitated in this process when ``None``.

    Opens no connection yet; raises ``Invalid`` where the URL is none.
    """
    if url is not None:
        if not url.startswith(("redis://", "rediss://", "unix://")):
            raise Invalid("The Redis URL must begin with redis://, rediss:// or unix://.")
        return RedisSource(url, None)
    from fakeredis import FakeServer  # noqa: PLC0415  # A production process never needs it.

    return RedisSource(None, FakeServer(version=(7,)))


def _down(error: Exception) -> DependencyDown:
    # The error's own words may hold the address with its password; its kind is enough.
    return DependencyDown(f"Redis does not answer ({type(error).__name__}). Check that it runs and can be reached.")
