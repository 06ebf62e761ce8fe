import django.db.models.deletion
from django.db import migrations, models


def number(apps, schema_editor):
    """So far, places were in the order in which they came."""
    places = apps.get_model("playground", "PlaygroundBlueprint")
    places.objects.order_by().update(number=models.F("position"))


class Migration(migrations.Migration):
    dependencies = [
        ("blueprints", "0011_locks"),
        ("playground", "0013_preferences"),
    ]

    operations = [
        migrations.AddField(
            model_name="playgroundblueprint",
            name="number",
            field=models.PositiveIntegerField(default=0),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="playground",
            name="pattern",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="blueprints.blueprint",
            ),
        ),
        migrations.RunPython(number, migrations.RunPython.noop),
        migrations.AlterModelOptions(
            name="playgroundblueprint",
            options={"ordering": ["-blueprint__is_starred", "position", "pk"]},
        ),
    ]
