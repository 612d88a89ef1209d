"""OpenAI's protocol: a bot is a model, and every embedding model of the tenant is one."""
