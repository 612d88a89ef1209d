"""The floor of a start: the framework with one route, and nothing behind it. ``python -m bench.bare --port 8097``."""

import sys

import uvicorn
from litestar import Litestar, get


@get("/health/ready")
async def ready() -> dict[str, str]:
    return {"status": "ready"}


if __name__ == "__main__":
    app = Litestar(route_handlers=[ready], openapi_config=None, logging_config=None)
    uvicorn.run(app, port=int(sys.argv[-1]), log_config=None, access_log=False)
