"""Jobs side by side, each in a process of its own that fails, or is stopped, alone.

Knows functions and plain arguments, nothing of what a job means. Open `scheduler.py` first.
"""
