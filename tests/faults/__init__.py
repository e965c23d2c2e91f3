"""Faults by the dozen: failing disks, a lying broker, hostile names and media, clocks that jump."""
