"""So many starts at a time, prod's before others': calls of more people wait for those."""

import asyncio
from collections import deque


class Turns:
    def __init__(self, most: int) -> None:
        self._left = most
        self._waiting: tuple[deque[asyncio.Future[None]], ...] = (deque(), deque())

    async def take(self, *, is_first: bool) -> "Turn":
        if self._left:
            self._left -= 1
            return Turn(self)
        waiting = self._waiting[0 if is_first else 1]
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn in waiting:
                waiting.remove(turn)
            elif not turn.cancelled():
                # It was given just now
                self.give_back()
            raise
        return Turn(self)

    def give_back(self) -> None:
        for waiting in self._waiting:
            while waiting:
                turn = waiting.popleft()
                if not turn.done():
                    turn.set_result(None)
                    return
        self._left += 1


class Turn:
    """Ended once, however often somebody says so."""

    def __init__(self, turns: Turns) -> None:
        self._turns: Turns | None = turns

    def end(self) -> None:
        if turns := self._turns:
            self._turns = None
            turns.give_back()
