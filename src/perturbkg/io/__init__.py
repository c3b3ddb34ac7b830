"""Files: written atomically, and read with errors that say what to do."""
