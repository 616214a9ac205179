"""Pictures and HTML: styles, figures, files, captions, and tables in a page."""
