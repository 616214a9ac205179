"""What was built for boards: records and tables."""
