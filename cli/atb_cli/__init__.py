"""The shell: parse what was typed, call one public function of `atb`, show the answer.

It knows nothing of how anything is computed, and every import of the library waits inside a
command's body, so that help is instant. Open `main.py` first.
"""
