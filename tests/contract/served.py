"""A house behind a real server on a port of its own, for clients that know nothing of its event loop."""

import asyncio
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from tests.isolation.world import World, a_world
from tests.support.house import open_house, settings_in


@dataclass(frozen=True)
class Served:
    """Where the house is reached, its keys, and a tenant in it that has one of everything."""

    url: str
    admin_key: str
    world: World


@contextmanager
def serve(folder: Path) -> Generator[Served]:
    """Serve a house in a thread of its own until the block ends."""
    opened: list[Served] = []
    failed: list[BaseException] = []
    ready, over = threading.Event(), threading.Event()

    def run() -> None:
        try:
            asyncio.run(_serve(folder, opened, ready, over))
        except BaseException as fault:  # noqa: BLE001  # It is raised again where it is noticed.
            failed.append(fault)
        finally:
            ready.set()

    thread = threading.Thread(target=run, name="served-house")
    thread.start()
    try:
        ready.wait()
        if failed:
            raise failed[0]
        yield opened[0]
    finally:
        over.set()
        thread.join()


async def _serve(folder: Path, opened: list[Served], ready: threading.Event, over: threading.Event) -> None:
    async with open_house(settings_in(folder)) as house:
        world = await a_world(house, "walrus")
        with socket.create_server(("127.0.0.1", 0)) as listener:
            config = uvicorn.Config(house.app, log_config=None, lifespan="off", timeout_graceful_shutdown=1)
            server = uvicorn.Server(config)
            task = asyncio.create_task(server.serve(sockets=[listener]))
            while not server.started:
                await asyncio.sleep(0.01)
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            opened.append(Served(url, house.runtime.secrets.admin_key, world))
            ready.set()
            await asyncio.to_thread(over.wait)
            server.should_exit = True
            await task
