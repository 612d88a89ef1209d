"""The web's door to what is known."""

from app.knowledge.routes import bases, contents, documents, models, sources, versions

ROUTES = (
    *bases.ROUTES,
    *sources.ROUTES,
    *documents.ROUTES,
    *versions.ROUTES,
    *contents.ROUTES,
    *models.ROUTES,
)
