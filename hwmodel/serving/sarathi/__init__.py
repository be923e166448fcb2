"""Vidur's Sarathi scheduler, as a rule of its own."""

from hwmodel.serving.sarathi.serve import serve_sarathi

__all__ = ["serve_sarathi"]
