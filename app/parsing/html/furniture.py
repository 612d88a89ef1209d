"""What of a page is furniture: navigation, banners, scripts, and whatever a reader does not see."""

import re

from selectolax.lexbor import LexborNode

NEVER_SHOWN = frozenset(
    "script style template noscript svg iframe object embed canvas video audio map head title meta link base nav "
    "input select textarea datalist progress meter applet frame frameset noframes".split()
)
_FURNITURE_ROLES = frozenset({"navigation", "banner", "contentinfo", "search", "menu", "menubar", "toolbar", "dialog"})
_FURNITURE_CLASSES = frozenset(
    "navbar nav-bar navigation breadcrumb breadcrumbs sidebar sphinxsidebar sphinxsidebarwrapper skip-link headerlink "
    "mw-editsection mw-jump-link navbox navheader navfooter toc-backref cookie-banner cookie-consent site-header "
    "site-footer page-footer share-buttons social-share print-only noprint advertisement".split()
)
_KEPT_ASIDE = re.compile(r"footnote|admonition|note|tip|warning|callout", re.IGNORECASE)
_INVISIBLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d]*[1-9])|opacity\s*:\s*0(?![.\d]*[1-9])",
    re.IGNORECASE,
)


def is_furniture(node: LexborNode, tag: str) -> bool:
    """Whether an element is left out with everything in it."""
    if tag in NEVER_SHOWN:
        return True
    attributes = node.attributes
    if attributes and _is_marked(attributes):
        return True
    if tag == "aside":
        return not _KEPT_ASIDE.search(" ".join(str(value) for value in attributes.values()))
    if tag == "header":
        return not _is_inside(node, {"main", "article", "section"}) and node.css_first("h1") is None
    if tag in {"ul", "ol"}:
        # Lists in a page's header are menus: languages, sections, tools.
        return _is_inside(node, {"header"})
    if tag == "footer":
        return not _is_inside(node, {"blockquote"})
    return tag == "dialog" and "open" not in attributes


def _is_marked(attributes: dict[str, str | None]) -> bool:
    """Whether the attributes alone say that this is hidden or not content."""
    if "hidden" in attributes or attributes.get("aria-hidden") == "true":
        return True
    if attributes.get("role") in _FURNITURE_ROLES or _INVISIBLE.search(attributes.get("style") or ""):
        return True
    return not _FURNITURE_CLASSES.isdisjoint((attributes.get("class") or "").lower().split())


def _is_inside(node: LexborNode, tags: set[str]) -> bool:
    above = node.parent
    while above is not None:
        if above.tag in tags:
            return True
        above = above.parent
    return False
