"""The only room that knows Dagster: assets, jobs, sensors, the command line and the report."""
