"""XML from documents, read without entities, network or document types. The one place that names lxml."""

# lxml ships no annotations; its elements have the standard library's methods that are used here, and are cast to it.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportAttributeAccessIssue=false, reportUnknownArgumentType=false

from typing import Any, cast
from xml.etree.ElementTree import Element

from lxml import etree

from app.parsing.errors import DamagedDocument

XmlError: type[Exception] = etree.LxmlError
"""What lxml raises for anything that is not well-formed."""


def parse_xml(body: bytes) -> Element:
    """The root element. Damaged markup is read as far as it goes; raises DamagedDocument where it goes nowhere."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=True)
    try:
        root = etree.fromstring(body, parser)
    except (XmlError, ValueError) as fault:
        raise DamagedDocument("The document is damaged: a part of it is not readable XML.") from fault
    if root is None:
        raise DamagedDocument("The document is damaged: a part of it is empty.")
    return typed(root)


def typed(element: Any) -> Element:
    """An lxml element as the standard library's type."""
    return cast(Element, element)
