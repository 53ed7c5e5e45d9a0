"""What experiments have left: read, counted, compared."""
