from django.db import migrations

# One after the other, and in this order, as those who judge hold them.
_COUNT = """
SELECT count(playground_count_feedback(id)) FROM (
    SELECT judged_id AS id FROM tracing_log WHERE judged_id IS NOT NULL
    UNION SELECT prompt.log_id FROM playground_feedback AS feedback
        JOIN playground_chatprompt AS prompt ON prompt.id = feedback.prompt_id
        WHERE prompt.log_id IS NOT NULL
    ORDER BY id
) AS judged
"""


class Migration(migrations.Migration):
    """Of what was judged before. Only those rows are held, until the end."""

    dependencies = [("playground", "0018_count_feedback")]

    operations = [migrations.RunSQL(_COUNT, migrations.RunSQL.noop)]
