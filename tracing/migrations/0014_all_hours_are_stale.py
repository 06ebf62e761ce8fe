from django.db import migrations

_NOTE = """
INSERT INTO tracing_stalehour (use_case_id, hour)
SELECT DISTINCT use_case_id, date_trunc('hour', created_at, 'UTC') FROM tracing_log
"""


class Migration(migrations.Migration):
    """Of the logs that were there before. By itself, so that nobody waits for it: by now the triggers
    note what is new."""

    dependencies = [("tracing", "0013_sums_by_hour")]

    operations = [migrations.RunSQL(_NOTE, migrations.RunSQL.noop)]
