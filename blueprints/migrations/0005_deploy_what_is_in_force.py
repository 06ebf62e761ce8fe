from django.db import migrations


def deploy(apps, schema_editor):
    """Programs that name a blueprint get what its chats got so far."""
    use_cases = apps.get_model("accounts", "UseCase")
    environments = apps.get_model("blueprints", "Environment")
    deployments = apps.get_model("blueprints", "Deployment")
    blueprints = apps.get_model("blueprints", "Blueprint")
    for use_case in use_cases.objects.order_by("pk").iterator():
        production = environments.objects.create(
            use_case=use_case, name="production", is_default=True
        )
        environments.objects.create(use_case=use_case, name="staging")
        deployments.objects.bulk_create(
            deployments(
                environment=production,
                blueprint=blueprint,
                version_id=blueprint.version_id,
                deployed_by_id=blueprint.updated_by_id,
            )
            for blueprint in blueprints.objects.filter(use_case=use_case, version__isnull=False)
        )


class Migration(migrations.Migration):
    dependencies = [
        ("blueprints", "0004_prompts_files_environments"),
        ("accounts", "0002_token_use_case"),
    ]

    operations = [migrations.RunPython(deploy, migrations.RunPython.noop)]
