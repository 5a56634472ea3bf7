"""What is written down about a training: metadata, tables and one page for people.

Knows what each hop of the path returned and decides nothing. Open `record.py` first, then
`artifact.py`.
"""
