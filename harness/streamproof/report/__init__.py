"""Reports: what a run's NDJSON says, for a terminal, for CI, for a badge, and as a page to publish.

They read NDJSON and the suite's own cases, nothing else, so a run of another machine or of last year reports the same.
runs.py reads files, columns.py joins what belongs together, summary.py counts; every format has a module.
"""
