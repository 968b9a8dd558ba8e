"""
The server: Lago's API and a page, on one file.

What an endpoint answers is what the command line answers: both call the same services.
"""
