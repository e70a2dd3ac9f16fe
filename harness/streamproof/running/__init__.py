"""Running a suite: what is asked for, who is asked, cell by cell, and what is said of it."""
