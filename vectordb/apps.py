from django.apps import AppConfig


class VectorDBConfig(AppConfig):
    name = "vectordb"
