"""Links of documents as the site has them.

Documents are read in the repository, too, so they link to its files. A link to a file that is a
page of the site leads to that page; links to other files stay, and Sphinx copies the files into
the site; a folder has no page, so its name stays without a link.
"""

import os
import re
from pathlib import Path

TOP = {
    "CHANGELOG.md": "changes",
    "CONTRIBUTING.md": "contributing",
    "README.md": "index",
}
"""Documents at the top of the repository, and the page that each is on the site."""
LINK = re.compile(r"\[(?P<text>(?:`[^`]*`|[^\[\]`])+)\]\((?P<target>[^)\s]+)\)")


def relinked(text: str, folder: Path, page: Path, docs: Path) -> str:
    """A document's text with links as the site has them.

    Parameters
    ----------
    text : str
        Text of the document.
    folder : Path
        Folder of the document, to which its links are relative.
    page : Path
        Folder of the site's page, which its links are to be relative to.
    docs : Path
        Folder of the site's sources.
    """

    def put(match: re.Match[str]) -> str:
        target, hash_, anchor = match["target"].partition("#")
        if not target or re.match(r"[a-z]+:", target):
            return match[0]
        there = (folder / target).resolve()
        if there.is_dir():
            return match["text"]
        if there.parent == docs.parent and there.name in TOP:
            there = docs / f"{TOP[there.name]}.md"
        return f"[{match['text']}]({os.path.relpath(there, page)}{hash_}{anchor})"

    return LINK.sub(put, text)
