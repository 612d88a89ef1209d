"""``minirag serve``: the whole service in one process, with no other service and no key."""

import asyncio

from app.asgi import create_app
from app.background import recovering, working
from app.banner import announce
from app.health import Health
from app.kit.errors import DependencyDown
from app.kit.logs import configure_logging
from app.migrate import upgrade
from app.runtime import Runtime, open_runtime
from app.serving import address_of, bind, serve_http
from app.settings import Settings
from app.startup import prepare_process, run_process, wait_for_services


def serve(settings: Settings) -> int:
    """Run until stopped; the process's exit code."""
    prepare_process()
    configure_logging(settings.log_level, settings.log_format)
    return run_process(_serve(settings))


async def _serve(settings: Settings) -> None:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    listener = bind(settings)
    await upgrade(settings.effective_database_url)
    async with open_runtime(settings) as runtime:
        await wait_for_services(runtime)
        async with recovering(runtime), working(runtime, only_worker=True) as worker:

            async def worker_runs() -> None:
                if not worker.readiness():
                    raise DependencyDown("The worker in this process is not running; it is being started again.")

            health = Health(runtime, {"worker": worker_runs})

            async def started() -> None:
                _warm_up(runtime)
                announce(settings, address_of(listener))

            await serve_http(create_app(runtime, health), settings, listener, started)


def _warm_up(runtime: Runtime) -> None:
    """Load the embedded model while nobody waits for it."""
    task = asyncio.create_task(runtime.warm_up())
    task.add_done_callback(lambda done: done.exception())
