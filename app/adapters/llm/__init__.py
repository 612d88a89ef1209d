"""Chat models: one port, a direct road for OpenAI-compatible and Ollama servers, LiteLLM for all others."""
