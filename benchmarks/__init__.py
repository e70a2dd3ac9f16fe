"""What streamproof costs, against what it is measured by: `nox -s bench`. docs/performance.md has the results."""
