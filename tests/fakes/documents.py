"""Stored documents."""

from domain.documents import DocumentRef, digest
from domain.errors import DocumentDiffers, NotFound
from tests.fakes.world import World


class FakeDocuments:
    """Implements `api.ports.Documents`: like the store, it refuses bytes that do not match their hash."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def get(self, ref: DocumentRef) -> bytes:
        content = self.world.documents.get(ref.key)
        if content is None:
            raise NotFound("document", ref.key)
        if digest(content) != ref.sha256:
            raise DocumentDiffers(ref.key)
        return content
