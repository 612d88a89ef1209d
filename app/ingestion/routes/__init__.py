"""The doors of ingestion."""

from app.ingestion.routes import runs, sources

ROUTES = (*sources.ROUTES, *runs.ROUTES)
