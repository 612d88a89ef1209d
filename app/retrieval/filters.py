"""A client's metadata filter as conditions of the index."""

from app.adapters.vector_store.conditions import AnyOf as AnyOfTest
from app.adapters.vector_store.conditions import Equals, MetadataCondition, bounds_of
from app.adapters.vector_store.conditions import Range as RangeTest
from app.retrieval.schemas import AnyOf, Filter, Range, Scalar


def conditions_of(wanted: Filter | None) -> tuple[MetadataCondition, ...]:
    """One condition for each named field. Raises Invalid for a range without a bound or with bounds of two kinds."""
    if wanted is None:
        return ()
    return tuple(MetadataCondition(name, _test(name, value)) for name, value in wanted.metadata.items())


def _test(name: str, value: Scalar | AnyOf | Range) -> Equals | AnyOfTest | RangeTest:
    if isinstance(value, AnyOf):
        return AnyOfTest(tuple(value.in_))
    if isinstance(value, Range):
        test = RangeTest(value.gte, value.gt, value.lte, value.lt)
        bounds_of(name, test)
        return test
    return Equals(value)
