from django.db import models

from config.ids import IdField


class ModelServer(models.Model):
    """A worker that answers for the models it has loaded, see `vectordb.model_server`."""

    id = IdField()
    url = models.URLField(max_length=200)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.url
