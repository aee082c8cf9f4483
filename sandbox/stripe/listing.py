"""Lists: filters, newest first, cursors."""

from sandbox.stripe.books import Books
from sandbox.stripe.errors import refuse
from sandbox.stripe.parameters import Page, PageOfDated
from sandbox.stripe.store import Json, Stored

_TIMES = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


class Query:
    """Conditions of a list as SQL text and values. Conditions are ours, only values come from requests."""

    def __init__(self, kind: str, url: str, *, oldest_first: bool = False) -> None:
        self.kind = kind
        self.url = url
        self._oldest_first = oldest_first
        self._conditions: list[str] = []
        self._values: list[object] = []

    def where(self, condition: str, *values: object) -> "Query":
        """Narrow the list."""
        self._conditions.append(condition)
        self._values.extend(values)
        return self

    def fields(self, **wanted: object) -> "Query":
        """Narrow the list to objects whose fields have these values; None does not narrow."""
        for name, value in wanted.items():
            if value is not None:
                self.where(f"json_extract(body, '$.{name}') = ?", value)
        return self

    def page(self, books: Books, page: Page) -> Json:
        """The page asked for, as Stripe's list object."""
        if page.starting_after and page.ending_before:
            refuse("You can only use one of these parameters: starting_after, ending_before.")
        if isinstance(page, PageOfDated) and page.created:
            for name, sign in _TIMES.items():
                limit = getattr(page.created, name)
                if limit is not None:
                    self.where(f"json_extract(body, '$.created') {sign} ?", limit)
        backwards = page.ending_before is not None
        rising = backwards != self._oldest_first
        cursor, param = (page.ending_before, "ending_before") if backwards else (page.starting_after, "starting_after")
        if cursor:
            self.where(f"seq {'>' if rising else '<'} ?", self._cursor(books, cursor, param).seq)
        tail = f"ORDER BY seq {'ASC' if rising else 'DESC'} LIMIT {page.limit + 1}"
        where = " AND ".join(self._conditions) or "1"
        found = books.store.select(books.account, self.kind, where, self._values, tail)
        shown = [stored.body for stored in found[: page.limit]]
        return {
            "object": "list",
            "data": shown[::-1] if backwards else shown,
            "has_more": len(found) > page.limit,
            "url": self.url,
        }

    def _cursor(self, books: Books, object_id: str, param: str) -> Stored:
        return books.stored(self.kind, object_id, param)
