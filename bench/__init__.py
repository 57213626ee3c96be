"""Measures of speed, each beside a bare anchor in the same run. `python -m bench`, or `make bench`."""
