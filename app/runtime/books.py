"""What is written down of what happens, and what may happen."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from app.events.service import Recorder
from app.runtime.owning import own
from app.runtime.stores import Stores
from app.settings import Settings
from app.usage.admission import Admission
from app.usage.ledger import Ledger
from app.usage.prices import PriceTable
from app.usage.traffic import Traffic


@dataclass(frozen=True, slots=True)
class Books:
    """What is written down of what happens, and what may happen."""

    recorder: Recorder
    ledger: Ledger
    traffic: Traffic
    admission: Admission


async def open_books(stack: AsyncExitStack, settings: Settings, stores: Stores) -> Books:
    """Open them; raises ValueError when the operator's own prices cannot be read."""
    recorder = Recorder(stores.event_log)
    prices = PriceTable(settings.prices_file)
    await prices.load()
    ledger = Ledger(prices, recorder)
    traffic = Traffic(stores.redis.client())
    stack.push_async_callback(traffic.aclose)
    own(stack, traffic.run())
    return Books(recorder, ledger, traffic, Admission(stores.database, traffic, ledger, settings.provider_total_s))
