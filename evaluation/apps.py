from django.apps import AppConfig


class EvaluationConfig(AppConfig):
    name = "evaluation"

    def ready(self) -> None:
        from evaluation.oversight import MetricsOversight
        from evaluation.tasks import resume_orphans
        from playground import hooks, recovery

        hooks.install(MetricsOversight())
        recovery.look_after(resume_orphans)
