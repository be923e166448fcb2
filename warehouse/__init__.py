"""Where data lives. This package imports nothing, so that contracts pull in neither pyiceberg nor SQLAlchemy."""
