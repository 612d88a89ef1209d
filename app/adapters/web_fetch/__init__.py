"""Calls to addresses that people name: which of them may be called at all."""

from app.adapters.web_fetch.guard import AddressGuard, FetchRefused, HostUnknown
from app.adapters.web_fetch.transport import guarded_transport

__all__ = ["AddressGuard", "FetchRefused", "HostUnknown", "guarded_transport"]
