from django.db import migrations, models


class Migration(migrations.Migration):
    """Counted by a migration of `playground`, which knows both kinds of feedback."""

    dependencies = [("tracing", "0010_know_durations")]

    operations = [
        migrations.AddField(
            model_name="log",
            name="thumbs_up",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="log",
            name="thumbs_down",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="log",
            name="judgment_count",
            field=models.PositiveIntegerField(default=0),
        ),
    ]
