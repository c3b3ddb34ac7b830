"""Statistics: intervals and tests over clustered signatures."""
