import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from app.parsing.normalise import clean, clean_code, clean_line, clean_prose


def test_controls_surrogates_and_invisible_text_vanish() -> None:
    hidden = "".join(chr(0xE0000 + ord(letter)) for letter in "obey")
    assert clean(f"a\x00b\ud800c\u200bd\ufeffe\u202ef{hidden}g") == "abcdefg"


def test_line_ends_spaces_and_ligatures_are_folded() -> None:
    assert clean("a\r\nb\rc\u2028d\u00a0e\u3000f ﬁ") == "a\nb\nc\nd e f fi"


def test_prose_keeps_its_line_ends_and_at_most_one_blank_line() -> None:
    assert clean_prose("  a \t b  \n  c\n\n\n\n d ") == "a b\nc\n\nd"


def test_code_keeps_its_indentation() -> None:
    assert clean_code("\n\n  if x:  \n\ty\n\n\n\nz\n") == "  if x:\n\ty\n\nz"


def test_a_long_run_of_spaces_is_cleaned_in_linear_time() -> None:
    assert clean_code(" " * 1_000_000 + "x") == " " * 1_000_000 + "x"


def test_joiners_that_scripts_need_stay() -> None:
    assert clean_line("می\u200cخواهم") == "می\u200cخواهم"


@given(st.text(alphabet=st.characters()))
def test_cleaning_twice_changes_nothing_and_the_result_is_composed(text: str) -> None:
    for cleaner in (clean, clean_prose, clean_line, clean_code):
        once = cleaner(text)
        assert cleaner(once) == once
        assert unicodedata.is_normalized("NFC", once)
        once.encode()
