"""Who carries out jobs: processes of this machine, or an engine that has machines of its own.

Each file is named as `--engine` names it, and gives `connect`. Knows jobs, not what they mean.
"""
