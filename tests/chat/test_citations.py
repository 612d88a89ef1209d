from app.chat.citations import CitationWriter
from app.chat.events import Cited, Delta
from tests.chat.sources import source

LEAVE = "Staff take 30 days of leave a year. Leave must be asked for two weeks ahead. Unused days lapse in March."
PAY = "Salaries are paid on the 25th. A bonus of 500 EUR is paid in December."


def write(*pieces: str) -> tuple[str, list[Cited]]:
    writer = CitationWriter([source(1, LEAVE), source(2, PAY)])
    events = [event for piece in pieces for event in writer.feed(piece)]
    events += writer.finish()
    text = "".join(event.text for event in events if isinstance(event, Delta))
    assert text == writer.text
    return text, [event for event in events if isinstance(event, Cited)]


def test_a_citation_spans_the_sentence_before_its_marker() -> None:
    text, (cited,) = write("Hello. Staff have 30 days of leave a year [1]. More follows.")
    assert text[cited.answer_start : cited.answer_end] == "Staff have 30 days of leave a year [1]"


def test_a_marker_behind_the_full_stop_belongs_to_the_sentence_before_it() -> None:
    text, (cited,) = write("Hello. Salaries are paid on the 25th. [2]")
    assert text[cited.answer_start : cited.answer_end] == "Salaries are paid on the 25th. [2]"


def test_two_markers_behind_one_sentence_support_the_same_sentence() -> None:
    text, cited = write("Leave is 30 days a year [1][2].")
    assert [one.n for one in cited] == [1, 2]
    assert text == "Leave is 30 days a year [1][2]."
    assert {one.answer_start for one in cited} == {0}


def test_a_list_of_numbers_becomes_one_marker_each() -> None:
    text, cited = write("Leave is 30 days a year [1, 2].")
    assert text == "Leave is 30 days a year [1][2]."
    assert [one.n for one in cited] == [1, 2]


def test_a_marker_that_points_at_nothing_is_removed_with_its_space() -> None:
    text, cited = write("Leave is 30 days [7]. Bonus: 500 EUR [2, 9].")
    assert text == "Leave is 30 days. Bonus: 500 EUR [2]."
    assert [one.n for one in cited] == [2]


def test_a_sentence_the_source_says_is_verified_with_its_passage() -> None:
    _, (cited,) = write("Employees get 30 days of leave a year [1].")
    assert cited.verified
    assert cited.quote == "Staff take 30 days of leave a year."
    assert LEAVE[cited.char_start : cited.char_end] == "Staff take 30 days of leave a year."


def test_another_number_is_not_verified() -> None:
    _, (cited,) = write("Staff take 35 days of leave a year [1].")
    assert not cited.verified


def test_a_sentence_about_something_else_is_not_verified() -> None:
    _, (cited,) = write("Penguins live in Antarctica and eat fish [1].")
    assert not cited.verified


def test_markers_cut_by_the_stream_are_found() -> None:
    text, cited = write("Leave is 30 days a year ", "[", "1", "]", ".")
    assert text == "Leave is 30 days a year [1]."
    assert len(cited) == 1


def test_an_unfinished_marker_at_the_end_is_dropped() -> None:
    text, cited = write("Leave is 30 days a year [1")
    assert (text, cited) == ("Leave is 30 days a year", [])


def test_the_page_is_where_the_passage_begins() -> None:
    text = "First page text is here.\n\nSecond page says the office opens at nine."
    writer = CitationWriter([source(1, text, page=1, page_starts=(0, 26))])
    events = [*writer.feed("The office opens at nine [1]."), *writer.finish()]
    (cited,) = [event for event in events if isinstance(event, Cited)]
    assert cited.page == 2
