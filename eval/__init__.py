"""One file per question asked of the system, one report."""
