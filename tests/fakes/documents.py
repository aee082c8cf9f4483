"""Stored documents."""

from domain.documents import DocumentKind, DocumentRef, digest
from domain.errors import DocumentDiffers, NotFound
from tests.fakes.world import World


class FakeDocuments:
    """Implements `domain.ports.DocumentStore` and `api.ports.Documents`, on the world's documents."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def put(self, kind: DocumentKind, key: str, content: bytes) -> DocumentRef:
        if self.world.documents.setdefault(key, content) != content:
            raise DocumentDiffers(key)
        return DocumentRef(kind=kind, key=key, sha256=digest(content), size=len(content))

    async def get(self, ref: DocumentRef) -> bytes:
        content = self.world.documents.get(ref.key)
        if content is None:
            raise NotFound("document", ref.key)
        if digest(content) != ref.sha256:
            raise DocumentDiffers(ref.key)
        return content
