"""What an author of cases uses: `lint`, `new`, `accept`. Nothing here is imported by a replay."""
