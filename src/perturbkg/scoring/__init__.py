"""Scoring: match predictions with what was observed, compute every metric, collect the scores of all runs."""
