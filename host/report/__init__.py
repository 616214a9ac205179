"""Report of one network: an HTML page, or its pictures for a journal."""
