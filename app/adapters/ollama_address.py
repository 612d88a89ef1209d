"""Where an Ollama server is reached, for chat and embeddings alike."""

from app.kit.models import ModelEndpoint

OLLAMA_BASE = "http://localhost:11434"
PREFIXES = ("ollama_chat/", "ollama/")


def speaks_ollama(model: str) -> bool:
    """Tell whether Ollama's own protocol serves a model."""
    return model.startswith(PREFIXES)


def ollama_model(endpoint: ModelEndpoint) -> str:
    """Return the name Ollama knows the model by."""
    return endpoint.model.split("/", 1)[1]


def ollama_url(endpoint: ModelEndpoint, path: str) -> str:
    """Return the address of one of Ollama's calls."""
    return f"{(endpoint.api_base or OLLAMA_BASE).rstrip('/')}/{path}"


def ollama_headers(endpoint: ModelEndpoint) -> dict[str, str]:
    """Return the headers; a key is only needed where a proxy stands before Ollama."""
    return {"authorization": f"Bearer {endpoint.api_key}"} if endpoint.api_key else {}
