"""What `ask` shows."""

import pytest

from chassis.commands.ask import Screen


def test_text_is_shown_as_it_comes(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen()
    screen.text("8 ")
    assert capsys.readouterr().out == "8 "
    screen.text("tickets")
    assert capsys.readouterr().out == "tickets"


def test_whole_lines_are_never_torn(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen(whole_lines=True)
    screen.text("8 ")
    assert not capsys.readouterr().out
    screen.text("tickets\nmatch")
    assert capsys.readouterr().out == "8 tickets\n"
    screen.end("(thread 1)")
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("match\n\n", "(thread 1)\n")
