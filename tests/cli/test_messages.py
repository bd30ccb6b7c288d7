"""Messages of the parser as one line, whatever frame the terminal shows."""

import pytest

from theta0.cli._messages import as_option, one_line

FRAMED = """╭─ Value error ──────────────────────────────╮
│ Error parsing --steps: 'x' is not a whole   │
│ number.                                     │
│ ─────────────────────────────────────────── │
│ Argument helptext:                          │
│     --steps INT                             │
╰─────────────────────────────────────────────╯
"""
ASCII = """ Value error                                 
 -------------------------------------------- 
  Error parsing --steps: 'x' is not a whole   
  number.                                     
  ------------------------------------------- 
  Argument helptext:                          
      --steps INT                             
                                              
"""


@pytest.mark.parametrize("box", [FRAMED, ASCII, f"\x1b[31m{FRAMED}\x1b[0m"])
def test_a_frame_is_taken_off(box):
    assert one_line(box, "fit") == "--steps: 'x' is not a whole number; see theta0 fit --help"


def told(*lines: str) -> str:
    body = "".join(f"│ {line} │\n" for line in lines)
    return one_line(f"╭─ Title ─╮\n{body}╰─────────╯\n", "train")


@pytest.mark.parametrize(
    "lines, said",
    [
        (
            ["Unrecognized options: --bach, 3", "─" * 20, "Perhaps you meant:", "    --batch INT"],
            "unknown option --bach (did you mean --batch?)",
        ),
        (["Unrecognized options: --a, 3, --b"], "unknown options --a, --b"),
        (["Unrecognized options: x"], "unexpected argument x"),
        (["Missing from theta0 fit:", "    INIT", "        run folder", "    SIGNAL"],
         "give INIT and SIGNAL"),
        (["invalid choice 'a' for argument '--b'. Expected one of ('c', 'd')."],
         "--b a: choose from c, d"),
        (["Missing value for argument '--tv'. Expected 1 values."], "--tv: give a value"),
        (["Error parsing experiment.data.source: test_set is -1; give more"],
         "--data.source.test-set is -1; give more"),
        (["Error parsing experiment.data: rays and views differ"], "--data: rays and views differ"),
        (["Error parsing experiment: outer.lr is 0; give more"], "--outer.lr is 0; give more"),
        (["Something else happened."], "Something else happened"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_in_the_words_of_the_command_line(lines, said):
    assert told(*lines) == f"{said}; see theta0 train --help"


@pytest.mark.parametrize(
    "message, said",
    [
        ("tv_side is 1; give 2", "--tv-side is 1; give 2"),
        ("outer.lr is 0; give more", "--outer.lr is 0; give more"),
        ("no path is given", "no path is given"),
        ("steps (0,) must be 0 or more", "--steps (0,) must be 0 or more"),
        ("views=0: give more", "views=0: give more"),
    ],
)
def test_a_setting_is_named_by_its_option(message, said):
    assert as_option(message) == said


def test_a_setting_that_is_no_option_keeps_its_name():
    assert as_option("near is 3 and far 1", ("steps", "lr")) == "near is 3 and far 1"
    assert as_option("lr is 0.0; give more", ("steps", "lr")) == "--lr is 0.0; give more"
