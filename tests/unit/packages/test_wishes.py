"""What a project asks for, read from its declarations."""

from __future__ import annotations

from collections.abc import Mapping

from sophia_cli.project.packages.wishes import Wishes, read_wishes


def _read(files: Mapping[str, str]) -> Wishes:
    data = {path: text.encode() for path, text in files.items()}
    return read_wishes(data, data.get)


def _lines(wishes: Wishes) -> list[tuple[str, str]]:
    return [(wish.line, wish.place) for wish in wishes.requirements]


def test_requirements_of_all_services_count_with_extras_and_markers() -> None:
    wishes = _read(
        {
            "requirements.txt": 'web[all]>=1,<2 ; python_version < "4"  # why\n',
            "api/requirements.txt": "\nWorker_Kit==2\n",
        }
    )
    assert _lines(wishes) == [
        ("Worker_Kit==2", "api/requirements.txt:2"),
        ('web[all]>=1,<2 ; python_version < "4"', "requirements.txt:1"),
    ]
    assert wishes.requirements[0].name == "worker-kit"


def test_what_is_for_development_documentation_and_tests_is_not_installed() -> None:
    wishes = _read(
        {
            "requirements.txt": "web\n",
            "requirements-dev.txt": "linter\n",
            "docs/requirements.txt": "writer\n",
            "tests/requirements.txt": "runner\n",
            "pyproject.toml": (
                '[project]\nname = "shop"\ndependencies = ["core"]\n'
                '[project.optional-dependencies]\nfast = ["speed"]\n[dependency-groups]\ndev = ["linter"]\n'
            ),
        }
    )
    assert sorted(wish.name for wish in wishes.requirements) == ["core", "web"]


def test_a_circle_of_includes_ends_and_bounds_stay_bounds() -> None:
    wishes = _read(
        {
            "requirements.txt": "-r base.txt\n-c constraints.txt\nweb\n",
            "base.txt": "-r requirements.txt\ncore\n",
            "constraints.txt": "core<2\n",
        }
    )
    assert sorted(_lines(wishes)) == [("core", "base.txt:2"), ("web", "requirements.txt:3")]
    assert [wish.line for wish in wishes.constraints] == ["core<2"]


def test_a_compiled_file_is_the_lock_of_the_one_it_is_made_of() -> None:
    wishes = _read(
        {"requirements.in": "web\n", "requirements.txt": "web==1.5\n    # via -r requirements.in\ncore==3\n"}
    )
    assert _lines(wishes) == [("web", "requirements.in:1")]
    assert wishes.pins == {"core": "3", "web": "1.5"}
    assert [(lock.path, lock.compiled_from) for lock in wishes.locks] == [("requirements.txt", "requirements.in")]


def test_pins_of_a_lock_file_are_preferred() -> None:
    wishes = _read(
        {
            "pyproject.toml": '[tool.poetry]\nname = "shop"\n[tool.poetry.dependencies]\npython = "^3"\nweb = "^1.2"\n',
            "poetry.lock": '[[package]]\nname = "web"\nversion = "1.4"\n',
        }
    )
    assert _lines(wishes) == [("web>=1.2,<2", "pyproject.toml:5")]
    assert wishes.pins == {"web": "1.4"}


def test_the_projects_own_distributions_are_not_asked_of_an_index() -> None:
    wishes = _read(
        {
            "pyproject.toml": '[project]\nname = "shop-core"\ndependencies = ["web"]\n',
            "requirements.txt": "Shop_Core\nweb\n",
        }
    )
    assert {wish.name for wish in wishes.requirements} == {"web"}


def test_paths_urls_and_what_cannot_be_read_are_told_and_left_alone() -> None:
    wishes = _read(
        {
            "requirements.txt": (
                "-e ./here\nthing @ https://example.invalid/thing.whl\ngit+https://example.invalid/x#egg=x\nweb >>> 1\n"
            ),
            "list/requirements.txt": "Package Version\n------- -------\nweb     1.0\n",
        }
    )
    assert wishes.requirements == ()
    places = " ".join(f"{note.name} {note.reason}" for note in wishes.notes)
    for part in ("requirements.txt:1", "requirements.txt:2", "requirements.txt:3", "requirements.txt:4", "pip list"):
        assert part in places


def test_a_declaration_does_not_say_where_packages_come_from() -> None:
    wishes = _read({"requirements.txt": "web\n--extra-index-url https://user:pw@example.invalid/simple\n"})
    assert _lines(wishes) == [("web", "requirements.txt:1")]
    assert [note.name for note in wishes.notes] == ["requirements.txt:2"]
    assert "pw" not in wishes.notes[0].reason


def test_what_a_neighbour_makes_and_what_is_no_distribution_is_asked_of_nobody() -> None:
    files = {
        "api/requirements.txt": "shop-core\nbilling\nweb\n",
        "core/pyproject.toml": '[project]\nname = "Shop.Core"\n',
    }
    data = {path: text.encode() for path, text in files.items()}
    wishes = read_wishes(["api/requirements.txt"], data.get, data, {"billing": "it is a module of the project"})
    assert [wish.name for wish in wishes.requirements] == ["web"]
    assert [note.name for note in wishes.notes] == ["shop-core", "billing"]
