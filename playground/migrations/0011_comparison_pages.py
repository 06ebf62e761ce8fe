from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("blueprints", "0008_mock_provider"),
        ("playground", "0010_chat_filters"),
    ]

    operations = [
        migrations.AddField(
            model_name="comparisonchat",
            name="blueprints",
            field=models.ManyToManyField(related_name="+", to="blueprints.blueprint"),
        ),
        migrations.AddField(
            model_name="comparisonchat",
            name="is_blind",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="comparisonchat",
            name="revision",
            field=models.PositiveIntegerField(default=0),
        ),
    ]
