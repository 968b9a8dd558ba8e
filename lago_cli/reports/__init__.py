"""Answers as reports: what the terminal and the page both show."""
