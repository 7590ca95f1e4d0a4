"""What a native program returns: 0, or why the call is to be made otherwise."""

__all__ = ["FAILED", "MOST_TOLD", "PLACES", "UNEXPECTED", "UNMET"]

FAILED = 1
"""The status of a program that met an index out of range."""
UNMET = 2
"""The status of a program that is to be given back to eager code; smaller ones are an index out of range.

Where a number that was read is another one, the status is UNMET + 1 + its place, and the number itself times PLACES.
"""

PLACES, MOST_TOLD = 1 << 10, 1 << 20
"""More than there are places and statuses, and the size up to which numbers are told as they are."""
UNEXPECTED = PLACES + UNMET
"""The status where an expectation was not met."""
