"""Spark's tests are collected where PySpark is installed: `.ci/run` installs it for them, `make test` does without."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("pyspark") else ["test_spark.py"]
