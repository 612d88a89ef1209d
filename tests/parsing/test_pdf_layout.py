from app.parsing.pdf.content import Bookmark, Line, PageContent
from app.parsing.pdf.furniture import running_lines
from app.parsing.pdf.headings import Outline
from app.parsing.pdf.hyphens import hyphenated_words, join_lines
from app.parsing.pdf.paragraphs import Kind, bullet_of, runs


def a_line(text: str, bottom: float, **given: float | bool) -> Line:
    return Line(**{"text": text, "left": 72, "bottom": bottom, "right": 72 + 5 * len(text), "height": 10, **given})


def a_page(*lines: Line) -> PageContent:
    return PageContent(lines, (), 800, has_graphics=True)


def kept(pages: list[PageContent]) -> list[list[str]]:
    dropped = running_lines(pages)
    return [
        [line.text for index, line in enumerate(page.lines) if index not in gone]
        for page, gone in zip(pages, dropped, strict=True)
    ]


def body(number: int) -> list[Line]:
    return [a_line(f"Body {number} line {line}", 700 - 12 * line) for line in range(5)]


def test_running_headers_go_after_the_first_page_and_page_numbers_everywhere() -> None:
    pages = [a_page(a_line("The Manual", 770), *body(n), a_line(f"Page {n + 3}", 30)) for n in range(8)]
    result = kept(pages)
    assert result[0] == ["The Manual", *[line.text for line in body(0)]]
    assert all(result[n] == [line.text for line in body(n)] for n in range(1, 8))


def test_headers_that_change_with_the_chapter_go_with_their_page_number() -> None:
    pages = [a_page(*body(n), a_line(f"{n}.{n} Chapter {n * n} - {n + 1}", 30)) for n in range(9)]
    assert all(result == [line.text for line in body(n)] for n, result in enumerate(kept(pages)))


def test_sentences_and_single_pages_in_the_margin_stay() -> None:
    pages = [a_page(a_line(f"The answer on sheet {n} is {n * 7}.", 770), *body(n)) for n in range(6)]
    assert all(result[0].startswith("The answer") for result in kept(pages))
    assert kept(pages[:1])[0][0].startswith("The answer")


def test_pages_that_are_nothing_but_margin_keep_their_text() -> None:
    pages = [a_page(a_line(f"Page {n}", 770)) for n in range(6)]
    assert kept(pages) == [[f"Page {n}"] for n in range(6)]


def test_a_gap_an_indent_a_bullet_and_a_size_end_a_paragraph() -> None:
    lines = [
        a_line("A title", 700, height=16),
        a_line("First line of prose that is long enough", 680),
        a_line("and goes on here until it ends.", 668),
        a_line("After a gap comes another one", 640),
        a_line("that goes on.", 628),
        a_line("• an entry", 616),
        a_line("with a second line", 604, left=80),
        a_line("• another entry", 592),
        a_line("code one", 560, fixed=True),
        a_line("code two", 548, fixed=True),
    ]
    found = [(run.kind, len(run.lines)) for run in runs(lines, 10)]
    assert found == [(Kind.LARGE, 1), (Kind.PROSE, 2), (Kind.PROSE, 2), (Kind.ITEM, 2), (Kind.ITEM, 1), (Kind.CODE, 2)]


def test_the_number_of_a_footnote_stays_in_its_paragraph() -> None:
    lines = [a_line("A claim that needs a note", 700), a_line("7", 704, height=6), a_line("and goes on.", 688)]
    (run,) = runs(lines, 10)
    assert [line.text for line in run.lines] == ["A claim that needs a note 7", "and goes on."]


def test_a_file_name_in_another_face_does_not_break_a_paragraph() -> None:
    lines = [a_line("Everything is kept in", 700), a_line("/usr/share/doc", 688, fixed=True), a_line("by rule.", 676)]
    assert len(list(runs(lines, 10))) == 1


def test_markers_are_told_from_text() -> None:
    assert bullet_of("• one") == ("-", "one")
    assert bullet_of("12. one") == ("12.", "one")
    assert bullet_of("-5 degrees") == ("", "-5 degrees")


def test_hyphens_go_where_a_word_was_cut_and_stay_where_it_is_written_so() -> None:
    known = hyphenated_words(["a well-known fact"])
    assert join_lines(["an exam-", "ple of a well-", "known Franco-", "German cut"], known) == (
        "an example of a well-known Franco-German cut"
    )
    assert join_lines(["a dash -", "stays"], known) == "a dash - stays"


def test_bookmarks_name_headings_with_or_without_their_numbers() -> None:
    outline = Outline([Bookmark("Getting started", 3, 2), Bookmark("…", 3, 1)])
    assert outline.level_of("Getting Started", 3) == 2
    assert outline.level_of("2.1 Getting started", 4) == 2
    assert outline.level_of("Getting started", 7) == 0
    assert not Outline([])
