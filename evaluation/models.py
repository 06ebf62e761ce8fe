"""Metrics of answers, evaluation datasets and their runs."""
