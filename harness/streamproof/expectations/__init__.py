"""Known failures of an adapter: a file of entries, each with its reason and upstream issue."""
