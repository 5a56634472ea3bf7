"""A group of commands whose first word may be left out."""

from __future__ import annotations

import click


class DefaultGroup(click.Group):
    """Without the name of a command as its first word, the command `default` is meant.

    A file or folder of a command's name is given as `./lob`.
    """

    default = ""

    def parse_args(self, context: click.Context, words: list[str]) -> list[str]:
        """The words, with the default before them unless they name a command or ask for help."""
        if not words or words[0] not in (*self.commands, *context.help_option_names):
            words = [self.default, *words]
        return super().parse_args(context, words)
