"""Payment orders, provider adapters, webhooks and capture."""
