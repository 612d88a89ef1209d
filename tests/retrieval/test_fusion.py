from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.adapters.vector_store import Hit
from app.bots.policies import FusionPolicy
from app.retrieval.evidence import RankedList
from app.retrieval.fusion import fuse, reciprocal_ranks, weighted_scores

A, B, C = (UUID(int=n) for n in (1, 2, 3))


def ranked(kind: str, *hits: tuple[UUID, float], model: str | None = None) -> RankedList:
    return RankedList(kind, model, tuple(Hit(chunk_id, score) for chunk_id, score in hits))


def test_rrf_adds_reciprocal_ranks() -> None:
    lists = [ranked("dense", (A, 0.9), (B, 0.8)), ranked("sparse", (B, 7.0), (C, 3.0))]
    assert reciprocal_ranks(lists, 10) == pytest.approx({A: 1 / 11, B: 1 / 12 + 1 / 11, C: 1 / 12})


def test_weighted_scores_normalise_each_list() -> None:
    lists = [ranked("dense", (A, 0.9), (B, 0.7), (C, 0.5)), ranked("sparse", (B, 8.0), (C, 2.0))]
    assert weighted_scores(lists, 0.6) == pytest.approx({A: 0.6, B: 0.3 + 0.4, C: 0.1})


def test_a_lone_list_has_the_whole_weight() -> None:
    assert weighted_scores([ranked("sparse", (A, 4.0), (B, 2.0))], 0.6) == pytest.approx({A: 1.0, B: 0.5})


def test_several_models_share_the_dense_weight() -> None:
    lists = [
        ranked("dense", (A, 1.0), (B, 0.0), model="one"),
        ranked("dense", (B, 1.0), (A, 0.0), model="two"),
        ranked("sparse", (A, 1.0)),
    ]
    assert weighted_scores(lists, 0.6) == pytest.approx({A: 0.3 + 0.4, B: 0.3})


def test_the_best_dense_score_and_each_models_own_are_told() -> None:
    lists = [ranked("dense", (A, 0.4), model="one"), ranked("dense", (A, 0.6), model="two")]
    (candidate,) = fuse(lists, FusionPolicy())
    assert candidate.scores.dense == 0.6
    assert candidate.scores.by_model == {"one": 0.4, "two": 0.6}


SCORES = st.lists(st.tuples(st.integers(1, 20), st.floats(0.01, 1)), max_size=20, unique_by=lambda pair: pair[0])


@given(SCORES, SCORES, st.sampled_from(["rrf", "score"]))
def test_every_hit_is_kept_once_and_the_order_is_total(dense: list, sparse: list, method: str) -> None:
    lists = [
        ranked(kind, *sorted(((UUID(int=n), score) for n, score in hits), key=lambda hit: -hit[1]))
        for kind, hits in (("dense", dense), ("sparse", sparse))
    ]
    fused = fuse(lists, FusionPolicy(method=method))  # type: ignore[arg-type]  # Hypothesis gives a plain str.
    ids = [candidate.chunk_id for candidate in fused]
    assert sorted(ids) == sorted({UUID(int=n) for n, _ in [*dense, *sparse]})
    assert fused == fuse(list(reversed(lists)), FusionPolicy(method=method))  # type: ignore[arg-type]  # As above.
    assert [c.scores.fused for c in fused] == sorted((c.scores.fused for c in fused), reverse=True)
