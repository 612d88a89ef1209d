"""How long we wait for a model provider, in seconds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProviderLimits:
    """Deadlines of one call to a provider.

    ``first_token_s`` runs from the call to the first token, retries and their pauses included; a call that does not
    stream must be over by then. ``idle_s`` is the longest silence between two tokens. ``total_s`` bounds a whole
    stream, whatever it says.
    """

    first_token_s: float = 30
    idle_s: float = 30
    total_s: float = 300
