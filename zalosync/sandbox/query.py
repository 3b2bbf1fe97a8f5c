"""The query of a request, read name by name; problems are collected, not thrown."""

from urllib.parse import parse_qsl

from zalosync.sandbox.validate import parse_date


class Query:
    """Parameters of a URL; a repeated name gives several values."""

    def __init__(self, raw: str) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in parse_qsl(raw, keep_blank_values=True):
            self._values.setdefault(name, []).append(value)
        self.problems: dict[str, list[str]] = {}

    def refuse(self, name: str, said: str) -> None:
        """Notes a problem with a parameter."""
        self.problems.setdefault(name, []).append(said)

    def text(self, name: str) -> str | None:
        """The last value of a name; empty counts as absent."""
        values = self._values.get(name)
        return (values[-1] or None) if values else None

    def names(self, name: str, form: str = "both", longest: int | None = None) -> list[str]:
        """A list, as repeated names or parted by commas: the contract's text and schema disagree, so both."""
        values = self._values.get(name, [])
        if longest is not None and len(",".join(values)) > longest:
            self.refuse(name, f"must be at most {longest} characters")
        if form == "repeated":
            return [value for value in values if value]
        return [
            part for value in values[-1 if form == "commas" else 0 :] for part in value.split(",") if part
        ]

    def integer(self, name: str, default: int, minimum: int, maximum: int) -> int:
        """A whole number within bounds."""
        raw = self.text(name)
        if raw is None:
            return default
        try:
            value = int(raw)
        except ValueError:
            self.refuse(name, "must be an integer")
            return default
        if value < minimum:
            self.refuse(name, f"must be at least {minimum}")
        elif value > maximum:
            self.refuse(name, f"must be at most {maximum}")
        return value

    def one_of(self, name: str, allowed: tuple[str, ...]) -> str | None:
        """One of the names, or nothing."""
        value = self.text(name)
        if value is not None and value not in allowed:
            self.refuse(name, "must be one of " + ", ".join(allowed))
        return value

    def date(self, name: str) -> int | None:
        """A moment in milliseconds; a plus that came as a space is forgiven."""
        raw = self.text(name)
        if raw is None:
            return None
        moment = parse_date(raw.replace(" ", "+"))
        if moment is None:
            self.refuse(name, "must be a date and time")
        return moment
