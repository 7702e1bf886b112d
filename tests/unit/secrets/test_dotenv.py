"""`.env` files: what each way of writing a value means."""

from __future__ import annotations

import pytest

from sophia_cli.core.errors import UsageError
from sophia_cli.project.secrets.dotenv import parse_dotenv


def values(text: str, **environment: str) -> dict[str, str]:
    return {item.name: item.value for item in parse_dotenv(text, ".env", environment)}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=b", "b"),
        ("A = b ", "b"),
        ("export A=b", "b"),
        ("  A=b", "b"),
        ("A=", ""),
        ("A=b # note", "b"),
        ("A=b#c", "b#c"),
        ("A=# note", ""),
        ("A=b=c&d", "b=c&d"),
        ("A='b # c' # note", "b # c"),
        ('A="b # c"', "b # c"),
        (r'A="b\nc\t\"d\""', 'b\nc\t"d"'),
        (r"A='b\nc'", r"b\nc"),
        (r"A='it\'s'", "it's"),
        ('A="b\nc"', "b\nc"),
        ("A='b\n\nc'", "b\n\nc"),
        ("A=`id`", "`id`"),
        ("A=$(id)", "$(id)"),
        ('A="$(id)"', "$(id)"),
        ("A=pa$$word", "pa$$word"),
        ("A=$HOME", "$HOME"),
        (r'A="C:\dir"', r"C:\dir"),
        ("A=é", "é"),
        ("A='", None),
    ],
)
def test_a_line_means(line: str, value: str | None) -> None:
    if value is None:
        with pytest.raises(UsageError) as info:
            values(f"X=1\n{line}\n")
        assert (info.value.reference, info.value.location) == ("dotenv-invalid", ".env:2:1")
    else:
        assert values(f"{line}\nB=2\n") == {"A": value, "B": "2"}


def test_references_mean_earlier_variables_then_the_environment_then_their_default() -> None:
    text = "HOST=db\nURL=${HOST}:${PORT}/${NAME:-shop}\nRAW='${HOST}'\nQUOTED=\"${HOST} ${NOBODY}\"\n"
    assert values(text, PORT="5432", HOST="other") == {
        "HOST": "db",
        "URL": "db:5432/shop",
        "RAW": "${HOST}",
        "QUOTED": "db ",
    }


def test_lines_that_assign_nothing_are_passed_over() -> None:
    assert values("# note\n\nnothing here\nA\n=b\nNOTE: x\nC=d") == {"C": "d"}


def test_line_numbers_count_lines_inside_of_values() -> None:
    found = parse_dotenv('\ufeffA="1\r\n2"\r\nB=3\r\n', ".env", {})
    assert [(item.name, item.value, item.line) for item in found] == [("A", "1\n2", 1), ("B", "3", 3)]


def test_the_message_about_a_quote_does_not_repeat_the_value() -> None:
    with pytest.raises(UsageError) as info:
        values('A="hunter2\n')
    assert "hunter2" not in f"{info.value.message} {info.value.hint} {info.value.location}"
