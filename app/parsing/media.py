"""The kinds of document that can be read."""

from enum import StrEnum


class MediaType(StrEnum):
    """A kind of document, named by its usual file extension."""

    PDF = "pdf"
    DOCX = "docx"
    XLSX = "xlsx"
    PPTX = "pptx"
    HTML = "html"
    MD = "md"
    EPUB = "epub"
    TXT = "txt"
    CSV = "csv"
    TSV = "tsv"
