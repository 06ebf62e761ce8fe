from django.db import migrations


def begin(apps, schema_editor):
    """What is deployed now is the first thing that is known."""
    deployments = apps.get_model("blueprints", "Deployment")
    changes = apps.get_model("blueprints", "DeploymentChange")
    rows = deployments.objects.select_related("version", "file_version").order_by("pk")
    batch = [
        changes(
            environment_id=row.environment_id,
            blueprint_id=row.blueprint_id,
            version_id=row.version_id,
            file_id=row.file_id,
            file_version_id=row.file_version_id,
            number=(row.version or row.file_version).number,
            made_by_id=row.deployed_by_id,
            made_at=row.deployed_at,
        )
        for row in rows
    ]
    changes.objects.bulk_create(batch, batch_size=1000)


class Migration(migrations.Migration):
    dependencies = [("blueprints", "0009_deployment_history")]

    operations = [migrations.RunPython(begin, migrations.RunPython.noop)]
