"""The sources on the web: a catalogue of them, and downloads that survive faults and are verified."""
