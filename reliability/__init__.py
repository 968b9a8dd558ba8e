"""Long trials of what must never be lost. `python -m reliability --help` tells how."""
