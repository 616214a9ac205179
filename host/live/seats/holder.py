"""One board is held by one page."""


class Holder:
    """Who holds the board.

    Attributes
    ----------
    owner : object or None
        The page that holds it; None while it is free.
    """

    def __init__(self) -> None:
        self.owner: object | None = None

    def claim(self, page: object) -> bool:
        """Let a page hold the board, if no other does; whether it holds it now."""
        if self.owner is None:
            self.owner = page
        return self.owner is page

    def release(self, page: object) -> None:
        """Let go of the board, if this page holds it."""
        if self.owner is page:
            self.owner = None
