from django.apps import AppConfig


class EvaluationConfig(AppConfig):
    name = "evaluation"

    def ready(self) -> None:
        from evaluation.oversight import MetricsOversight
        from playground import hooks

        hooks.install(MetricsOversight())
