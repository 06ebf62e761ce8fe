from django.db import migrations

# Whoever was asked in a comparison before it had a page takes part in it.
FILL = """
INSERT INTO playground_comparisonchat_blueprints (comparisonchat_id, blueprint_id)
SELECT comparison_id, blueprint_id FROM playground_chat WHERE comparison_id IS NOT NULL
ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):
    dependencies = [("playground", "0011_comparison_pages")]

    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop)]
