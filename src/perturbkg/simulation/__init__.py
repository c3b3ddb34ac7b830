"""The embedded world: raw files in the real sources' formats, with a planted and recorded truth."""
