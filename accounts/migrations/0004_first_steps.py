from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_tokens_go_with_use_cases")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="hides_first_steps",
            field=models.BooleanField(default=False),
        ),
    ]
