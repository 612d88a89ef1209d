"""Scores as clients see them."""

from app.retrieval.evidence import Scores


def scores_view(scores: Scores, *, by_model: bool = False) -> dict[str, object]:
    """What each judge said; a judge that did not see the chunk is left out."""
    view: dict[str, object] = {"rrf": round(scores.rrf, 6)}
    for name in ("dense", "sparse", "rerank"):
        value = getattr(scores, name)
        if value is not None:
            view[name] = round(value, 6)
    if by_model:
        view["by_model"] = {model: round(score, 6) for model, score in scores.by_model.items()}
        view["fused"] = round(scores.fused, 6)
    return view
