from django.db import migrations

ROOTS = "UPDATE tracing_log SET root_id = parent_id WHERE parent_id IS NOT NULL"
BLUEPRINTS = """
UPDATE tracing_log SET blueprint_id = version.blueprint_id
FROM blueprints_blueprintversion version WHERE version.id = blueprint_version_id
"""


class Migration(migrations.Migration):
    """What was recorded before was one level deep."""

    dependencies = [("tracing", "0003_calls_of_programs")]

    operations = [
        migrations.RunSQL(ROOTS, migrations.RunSQL.noop),
        migrations.RunSQL(BLUEPRINTS, migrations.RunSQL.noop),
    ]
