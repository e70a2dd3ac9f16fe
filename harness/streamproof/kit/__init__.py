"""What an author of an adapter takes away: the cases as plain JSON, the skeleton of an adapter."""
