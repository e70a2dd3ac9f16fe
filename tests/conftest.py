"""Stands here so that every test can import `helpers`: pytest puts the folder of a conftest on the path."""
