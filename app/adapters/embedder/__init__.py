"""Embedding models: one port, the bundled model, direct roads to OpenAI-compatible and Ollama servers, LiteLLM."""
