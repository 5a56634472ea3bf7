"""Recipes are listed as they lie in the folder and shown with the origin of each field."""

from __future__ import annotations

from pathlib import Path

from atb import presets
from atb_cli import options

ROOT = Path(__file__).resolve().parents[2]


def test_the_list_is_exactly_the_folder(atb):
    listed = atb("presets", "list", "--json").json["presets"]
    found = sorted((ROOT / "presets").glob("*.yaml"), key=lambda path: path.stem)
    assert [Path(preset["path"]) for preset in listed] == found
    assert all(preset["description"] for preset in listed)


def test_the_list_for_people(atb):
    done = atb("presets", "list")
    assert (done.code, done.err) == (0, "")
    assert [line.split()[0] for line in done.out.splitlines()[2:]] == presets.names()


def test_every_field_has_an_origin(atb):
    done = atb("presets", "show", "fast", "--epochs", "3", "--set", "dataset.embargo=48", "--json")
    fields = done.json["fields"]
    assert fields["training.epochs"] == {"value": 3, "origin": "--epochs"}
    assert fields["dataset.embargo"] == {"value": 48, "origin": "--set"}
    assert fields["training.batch"] == {"value": 64, "origin": "preset fast"}
    assert fields["trading.costs.buy_fee"] == {"value": 10.0, "origin": "default"}
    assert "symbol" not in fields


def test_a_file_of_ones_own(atb, tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text("description: mine\nwindow: 30\n")
    fields = atb("presets", "show", "mine.yaml", "--json").json["fields"]
    assert fields["window"] == {"value": 30, "origin": "preset mine"}


def test_the_options_are_the_fields_that_have_a_short_name():
    def command(**_):
        pass

    def book_command(**_):
        pass

    added = (options.recipe(command), options.book_recipe(book_command))
    names = {parameter.name for one in added for parameter in one.__click_params__}
    assert names | {"book"} == set(presets.OPTION_FIELDS) | {"assignments"}  # a book is an argument


def test_an_unknown_preset(atb):
    done = atb("presets", "show", "balancd")
    assert (done.code, done.out) == (2, "")
    assert done.said.startswith("error: unknown preset 'balancd'; did you mean 'balanced'?")


def test_the_order_of_assignments_does_not_matter(atb):
    size, kind = ("--set", "training.schedule.size=3"), ("--set", "training.schedule.kind=step")
    for words in (size + kind, kind + size):
        fields = atb("presets", "show", "lstm", *words, "--json").json["fields"]
        assert fields["training.schedule.size"] == {"value": 3, "origin": "--set"}
