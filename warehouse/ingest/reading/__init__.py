"""From bytes to cells: opening a trace, its lines and tables, JSON and CSV with every damage a file may have."""
