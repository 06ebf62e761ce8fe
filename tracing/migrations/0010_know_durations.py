from django.db import migrations

_KNOW = """
CREATE STATISTICS log_durations
ON (COALESCE(latency_ms, (EXTRACT(epoch FROM ended_at - started_at) * 1000)::double precision))
FROM tracing_log
"""


class Migration(migrations.Migration):
    """How many logs last how long is needed to choose between the index by time and the one by
    duration; of a partial index on an expression the planner reads no statistics."""

    dependencies = [("tracing", "0009_retention")]

    operations = [migrations.RunSQL(_KNOW, "DROP STATISTICS log_durations")]
