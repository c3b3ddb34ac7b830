"""The sources on the net: a catalogue of what there is, and downloads that are verified and survive faults."""
