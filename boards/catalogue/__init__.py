"""One file a board, found by being here; `boards.board` explains."""
