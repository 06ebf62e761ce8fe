from django.db import migrations


def make_directories(apps, schema_editor):
    """Of the paths that there are already."""
    blueprints = apps.get_model("blueprints", "Blueprint")
    directories = apps.get_model("blueprints", "Directory")
    wanted = {
        (use_case_id, path[:at])
        for use_case_id, path in blueprints.objects.filter(path__contains="/")
        .values_list("use_case_id", "path")
        .iterator()
        for at, letter in enumerate(path)
        if letter == "/"
    }
    directories.objects.bulk_create(
        directories(use_case_id=use_case_id, path=path) for use_case_id, path in sorted(wanted)
    )


class Migration(migrations.Migration):
    dependencies = [("blueprints", "0006_directories")]

    operations = [migrations.RunPython(make_directories, migrations.RunPython.noop)]
