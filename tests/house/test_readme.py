"""The README's page of rooms says what the door plates say."""

from __future__ import annotations

import ast


def rooms(root):
    """Each package of the library and the first line of its door plate."""
    for door in sorted((root / "src" / "atb").glob("*/__init__.py")):
        plate = ast.get_docstring(ast.parse(door.read_text())) or ""
        yield door.parent.name, plate.partition("\n")[0]


def test_every_folder_has_a_door_plate(root):
    folders = {p.parent.name for p in (root / "src" / "atb").glob("*/*.py")}
    assert folders == {name for name, plate in rooms(root) if plate}


def fetches(node):
    """Whether a statement of a module imports anything of this package when it runs."""
    return isinstance(node, ast.Import | ast.ImportFrom) and "atb" in ast.unparse(node)


def test_the_door_plates_import_nothing(root):
    """A plate may say where something lives, as `atb.models` does, but not fetch it by itself."""
    for door in (root / "src" / "atb").glob("*/__init__.py"):
        imports = [node for node in ast.parse(door.read_text()).body if fetches(node)]
        assert imports == [], door


def test_the_readme_lists_every_room_with_its_door_plate(root):
    _, heading, page = (root / "README.md").read_text().partition("\n## The rooms\n")
    assert heading
    lines = page.splitlines()
    missing = [
        f"{name}: {plate}"
        for name, plate in rooms(root)
        if not any(f"{name}/" in line and plate.rstrip(".") in line for line in lines)
    ]
    assert missing == []
