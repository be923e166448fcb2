"""What."""
