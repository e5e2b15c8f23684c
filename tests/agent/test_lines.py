"""What is kept of what a process writes."""

from agent.engine.lines import LINES_A_SECOND, LONGEST_LINE, Lines


class Heard(list[str]):
    def __init__(self) -> None:
        super().__init__()
        self.time = 0.0
        self.lines = Lines(self.append, lambda: self.time)


def test_lines_come_whole_however_they_arrive() -> None:
    heard = Heard()
    for piece in (b"fir", b"st\nsec", b"ond\r\n\nlast ", "wörd".encode()[:2], "wörd".encode()[2:]):
        heard.lines.feed(piece)
    heard.lines.end()
    assert heard == ["first", "second", "", "last wörd"]


def test_a_line_without_end_takes_no_more_memory_than_one() -> None:
    heard = Heard()
    for _ in range(100):
        heard.lines.feed(b"x" * 10_000)
    heard.lines.feed(b"yz\nnext\n")
    heard.lines.end()
    assert heard == ["x" * LONGEST_LINE, "next"]


def test_of_too_many_the_rest_is_counted() -> None:
    heard = Heard()
    heard.time = 10.0
    heard.lines.feed(b"line\n" * (LINES_A_SECOND + 7))
    assert len(heard) == LINES_A_SECOND
    heard.time = 11.5
    heard.lines.feed(b"later\n")
    assert heard[-2:] == ["… 7 more lines were left out", "later"]
