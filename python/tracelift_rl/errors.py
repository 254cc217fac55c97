"""What goes wrong between a training and its reward."""

from __future__ import annotations


class TraceLiftError(Exception):
    """Base of all exceptions of this package."""


class RequestRefused(TraceLiftError):
    """The server refused a request as a whole, and asking again would not help.

    `status` is the HTTP status, `code` the server's word for the fault (docs/serving.md lists them).
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{message} ({status} {code})")
        self.status = status
        self.code = code
        self.message = message

    def __reduce__(self):
        return (type(self), (self.status, self.code, self.message))


class Unreachable(TraceLiftError):
    """No server answered, after all retries.

    `cause` is the word under which it is counted as unknown, `after` the seconds that the server asked to wait.
    """

    def __init__(self, cause: str, message: str, after: float = 0.0) -> None:
        super().__init__(message)
        self.cause = cause
        self.message = message
        self.after = after

    def __reduce__(self):
        return (type(self), (self.cause, self.message, self.after))


class UnknownReward(TraceLiftError):
    """A reward is unknown, and whoever asked can take a number only. See `on_unknown` of each adapter."""


class ServerFailed(TraceLiftError):
    """A server that was to be started here ended, or was not ready in time."""
