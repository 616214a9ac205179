"""Charts as inline SVG: told apart by dashes, marks and text, coloured by the page's style."""
