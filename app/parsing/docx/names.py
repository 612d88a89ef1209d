"""Names of WordprocessingML (ECMA-376, part 1, chapter 17)."""

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
M = "http://schemas.openxmlformats.org/officeDocument/2006/math"
MC = "http://schemas.openxmlformats.org/markup-compatibility/2006"


def w(name: str) -> str:
    """An element's or attribute's full name in the main namespace."""
    return f"{{{W}}}{name}"
