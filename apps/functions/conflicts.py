"""Two people changed the same function: what the other one did, and both changes in one where they don't meet.

The lines that differ are found by diff-match-patch. A merge is exact: a change that met another one is a conflict,
never put somewhere by likeness.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from diff_match_patch import diff_match_patch

# Before a comparison of very different files takes too long, in seconds
LONGEST = 1.0
MARKS = ("<<<<<<<", "=======", ">>>>>>>")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
Change = tuple[int, int, list[str]]


@dataclass(frozen=True)
class Merged:
    """A file with both changes in it. Where they met, both stand there between marks."""

    text: str
    conflicts: int


@dataclass(frozen=True)
class Merge:
    """All files with both changes. `conflicts` are the paths that somebody has to look at, by what is wrong there."""

    files: dict[str, str]
    conflicts: dict[str, str]

    @property
    def is_clean(self) -> bool:
        return not self.conflicts


BOTH_CHANGED, ONE_REMOVED, BOTH_ADDED = "both_changed", "removed_and_changed", "both_added"


def merge_files(*, base: Mapping[str, str], theirs: Mapping[str, str], mine: Mapping[str, str]) -> Merge:
    """Theirs is what is there, mine what somebody wants to save, base what they began from."""
    files: dict[str, str] = {}
    conflicts: dict[str, str] = {}
    for path in sorted({*base, *theirs, *mine}):
        was, there, wanted = base.get(path), theirs.get(path), mine.get(path)
        if there == wanted or wanted == was:
            found = there
        elif there == was:
            found = wanted
        elif there is None or wanted is None:
            found, conflicts[path] = (wanted if there is None else there), ONE_REMOVED
        else:
            merged = merge_texts(base=was or "", theirs=there, mine=wanted)
            found = merged.text
            if merged.conflicts:
                conflicts[path] = BOTH_ADDED if was is None else BOTH_CHANGED
        if found is not None:
            files[path] = found
    return Merge(files, conflicts)


def merge_texts(*, base: str, theirs: str, mine: str) -> Merged:
    """Line by line, as in diff3: a stretch that only one changed is theirs or mine, one that both did is a conflict."""
    lines = _lines(base)
    their_changes, my_changes = list(_changes(base, theirs)), list(_changes(base, mine))
    parts: list[str] = []
    conflicts = at = 0
    while their_changes or my_changes:
        start, end, met_theirs, met_mine = _next_stretch(their_changes, my_changes)
        parts += lines[at:start]
        there, wanted = _applied(lines, start, end, met_theirs), _applied(lines, start, end, met_mine)
        if not met_mine or there == wanted:
            parts += there
        elif not met_theirs:
            parts += wanted
        else:
            parts += _marked(there, wanted)
            conflicts += 1
        at = end
    parts += lines[at:]
    return Merged("".join(parts), conflicts)


def unified(path: str, before: str | None, after: str | None, *, context: int = 3) -> str:
    """A file's change as programs read it: a unified diff. `None`: there's no such file on that side."""
    old, new = _lines(before or ""), _lines(after or "")
    changes = list(_changes(before or "", after or ""))
    if not changes and (before is None) == (after is None):
        return ""
    found = [f"--- {'/dev/null' if before is None else f'a/{path}'}\n"]
    found.append(f"+++ {'/dev/null' if after is None else f'b/{path}'}\n")
    shift = 0
    for group in _grouped(changes, context):
        start, end = max(group[0][0] - context, 0), min(group[-1][1] + context, len(old))
        length = end - start + sum(len(lines) - (to - since) for since, to, lines in group)
        found.append(f"@@ -{_range(start, end - start)} +{_range(start + shift, length)} @@\n")
        at = start
        for since, to, lines in group:
            found += [f" {line}" for line in old[at:since]]
            found += [f"-{line}" for line in old[since:to]] + [f"+{line}" for line in lines]
            at = to
        found += [f" {line}" for line in old[at:end]]
        shift += length - (end - start)
    assert len(new) == len(old) + shift
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in found)


def _lines(text: str) -> list[str]:
    """As diff-match-patch counts them: nothing but a line feed ends one."""
    return _LINE.findall(text)


def _changes(before: str, after: str) -> Iterator[Change]:
    """Stretches of lines of `before`, each with the lines that took its place."""
    matcher = diff_match_patch()
    matcher.Diff_Timeout = LONGEST
    old, new, lines = matcher.diff_linesToChars(before, after)
    diffs = matcher.diff_main(old, new, False)
    at, start, removed, added = 0, 0, 0, list[str]()
    for kind, characters in diffs:
        if kind == matcher.DIFF_EQUAL:
            if removed or added:
                yield start, start + removed, added
            at += len(characters)
            start, removed, added = at, 0, []
        elif kind == matcher.DIFF_DELETE:
            removed += len(characters)
            at += len(characters)
        else:
            added += [lines[ord(each)] for each in characters]
    if removed or added:
        yield start, start + removed, added


def _next_stretch(theirs: list[Change], mine: list[Change]) -> tuple[int, int, list[Change], list[Change]]:
    """The next changes of both that touch each other, taken off their lists, and the lines of the base they cover."""
    start = min(each[0][0] for each in (theirs, mine) if each)
    end, met = start, ([], [])  # type: tuple[int, tuple[list[Change], list[Change]]]
    first = True
    while True:
        grew = False
        for changes, found in ((theirs, met[0]), (mine, met[1])):
            # Changes that stand side by side meet as well: which of them comes first, nobody knows
            while changes and (changes[0][0] <= end if not first else changes[0][0] == start):
                change = changes.pop(0)
                found.append(change)
                end = max(end, change[1])
                grew = True
        first = False
        if not grew:
            return start, end, *met


def _applied(lines: Sequence[str], start: int, end: int, changes: Sequence[Change]) -> list[str]:
    found: list[str] = []
    at = start
    for since, to, added in changes:
        found += [*lines[at:since], *added]
        at = to
    return [*found, *lines[at:end]]


def _marked(there: Sequence[str], wanted: Sequence[str]) -> list[str]:
    begin, between, end = MARKS
    return [f"{begin} saved\n", *_ended(there), f"{between}\n", *_ended(wanted), f"{end} yours\n"]


def _ended(lines: Sequence[str]) -> list[str]:
    return [line if line.endswith("\n") else f"{line}\n" for line in lines]


def _grouped(changes: Sequence[Change], context: int) -> Iterator[list[Change]]:
    group: list[Change] = []
    for change in changes:
        if group and change[0] - group[-1][1] > 2 * context:
            yield group
            group = []
        group.append(change)
    if group:
        yield group


def _range(start: int, length: int) -> str:
    """As unified diffs count: from 1, and of an empty stretch the line before it."""
    return f"{start + 1 if length else start},{length}"
