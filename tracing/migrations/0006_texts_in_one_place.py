from django.db import migrations

_FORWARDS = """
UPDATE tracing_logpayload SET text = output ->> 'text', output = output - 'text'
WHERE output ? 'text' AND text IS NULL
"""
# What programs wrote has texts too, but steps and the answers of chats alone had them in there.
_BACKWARDS = """
UPDATE tracing_logpayload SET output = output || jsonb_build_object('text', text), text = NULL
WHERE text IS NOT NULL
"""


class Migration(migrations.Migration):

    dependencies = [
        ('tracing', '0005_judged_logs_and_small_costs'),
    ]

    operations = [
        migrations.RunSQL(_FORWARDS, _BACKWARDS),
    ]
