from importlib import import_module

from django.apps import AppConfig


class PlaygroundConfig(AppConfig):
    name = "playground"

    def ready(self) -> None:
        import_module("playground.database_versions")
        # The queue looks for tasks in modules of that name only.
        import_module("playground.export_tasks")
        import_module("playground.joining_tasks")
        import_module("playground.retrieval_tasks")
