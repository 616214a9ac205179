"""One file a board, found by being here; `allspin.boards.board` explains."""
