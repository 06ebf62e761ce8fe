from django.db import migrations, models

# There was a job for each answer; now one job sees to all that are due.
_TAKE_OVER = """
UPDATE playground_chatprompt SET support_due = true WHERE id IN (
    SELECT args ->> 'prompt_id' FROM procrastinate_jobs
    WHERE task_name = 'playground.measure_support' AND status = 'todo'
);
DELETE FROM procrastinate_jobs
WHERE task_name = 'playground.measure_support' AND status = 'todo';
"""


class Migration(migrations.Migration):
    dependencies = [
        ("playground", "0019_count_older_feedback"),
        ("procrastinate", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            "chatprompt", "support_due", models.BooleanField(db_default=False, default=False)
        ),
        migrations.RunSQL(_TAKE_OVER, migrations.RunSQL.noop),
        migrations.AddIndex(
            "chatprompt",
            models.Index(
                condition=models.Q(support_due=True),
                fields=["finished_at"],
                name="chat_prompt_support_due",
            ),
        ),
    ]
