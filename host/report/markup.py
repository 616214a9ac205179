"""HTML made of elements; text is escaped where it goes in, so that none can be forgotten."""

import html
import re
from collections.abc import Iterable

VOID = {"br", "img", "link", "meta"}
"""Elements without content, and without an end tag."""
UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""What HTML may not hold: control characters, halves of surrogate pairs, noncharacters."""
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


class Markup(str):
    """HTML that is ready. Any other string is text, and is escaped."""

    __slots__ = ()


Content = str | int | float | None | Iterable["Content"]
"""What an element may hold: text, markup, numbers, nothing, or any of these in turn."""
Attribute = str | int | float | bool | None


def text(value: object) -> Markup:
    """A value as text, escaped for an element's content and for an attribute alike."""
    return Markup(html.escape(UNPRINTABLE.sub(REPLACEMENT, str(value)), quote=True))


def join(content: Content) -> Markup:
    """The markup of some content.

    Parameters
    ----------
    content : Content
        `Markup` is taken as it is, a string or number is escaped, None is nothing, and
        anything else is taken item by item.
    """
    if isinstance(content, Markup):
        return content
    if content is None:
        return Markup()
    if isinstance(content, str | int | float):
        return text(content)
    return Markup("".join(join(item) for item in content))


def spelled(content: Content) -> Markup:
    """Content for people to read: in a string R_AH has its index lowered, as in print."""
    if isinstance(content, str) and not isinstance(content, Markup):
        return Markup(text(content).replace("R_AH", "R<sub>AH</sub>"))
    return join(content)


def tag(name: str, /, *content: Content, **attributes: Attribute) -> Markup:
    """An element.

    Parameters
    ----------
    name : str
        Of the element.
    *content : Content
        What it holds.
    **attributes
        An underscore at the end of a name is dropped, others become hyphens (``class_``,
        ``aria_label``); True is an attribute without a value, None and False are none.
    """
    parts = [name]
    for key, value in attributes.items():
        key = key.removesuffix("_").replace("_", "-")
        if value is True:
            parts.append(key)
        elif value is not None and value is not False:
            parts.append(f'{key}="{text(value)}"')
    start = f"<{' '.join(parts)}>"
    return Markup(start if name in VOID else f"{start}{join(content)}</{name}>")
