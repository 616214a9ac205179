"""Commands that tell what was found out: pages, tables, figures, versions."""
