"""What was built for boards: records, tables, and the way into a board."""
