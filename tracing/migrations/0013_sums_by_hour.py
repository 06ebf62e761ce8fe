import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

# By statement, for one may write a whole tree, or delete a use case.
_NOTE = """
CREATE FUNCTION tracing_note_stale_hours() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO tracing_stalehour (use_case_id, hour)
        SELECT DISTINCT use_case_id, date_trunc('hour', created_at, 'UTC') FROM new_rows;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO tracing_stalehour (use_case_id, hour)
        SELECT DISTINCT use_case_id, date_trunc('hour', created_at, 'UTC') FROM old_rows;
    ELSE
        INSERT INTO tracing_stalehour (use_case_id, hour)
        SELECT DISTINCT moved.use_case_id, date_trunc('hour', moved.created_at, 'UTC')
        FROM old_rows AS was JOIN new_rows AS became USING (id)
        CROSS JOIN LATERAL (
            VALUES (was.use_case_id, was.created_at), (became.use_case_id, became.created_at)
        ) AS moved (use_case_id, created_at)
        WHERE (
            was.use_case_id, was.created_at, was.parent_id IS NULL, was.kind, was.status,
            was.blueprint_id, was.blueprint_version_id, was.file_id, was.file_version_id,
            was.model_name, was.started_at, was.ended_at, was.latency_ms, was.input_tokens,
            was.output_tokens, was.cost, was.thumbs_up, was.thumbs_down
        ) IS DISTINCT FROM (
            became.use_case_id, became.created_at, became.parent_id IS NULL, became.kind, became.status,
            became.blueprint_id, became.blueprint_version_id, became.file_id, became.file_version_id,
            became.model_name, became.started_at, became.ended_at, became.latency_ms, became.input_tokens,
            became.output_tokens, became.cost, became.thumbs_up, became.thumbs_down
        );
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER note_stale_hours_of_new AFTER INSERT ON tracing_log
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION tracing_note_stale_hours();
CREATE TRIGGER note_stale_hours_of_changed AFTER UPDATE ON tracing_log
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION tracing_note_stale_hours();
CREATE TRIGGER note_stale_hours_of_gone AFTER DELETE ON tracing_log
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION tracing_note_stale_hours();
"""
_NOTE_NO_MORE = """
DROP TRIGGER note_stale_hours_of_new ON tracing_log;
DROP TRIGGER note_stale_hours_of_changed ON tracing_log;
DROP TRIGGER note_stale_hours_of_gone ON tracing_log;
DROP FUNCTION tracing_note_stale_hours();
"""


def _use_case():
    return models.ForeignKey(
        db_constraint=False,
        db_index=False,
        on_delete=django.db.models.deletion.DO_NOTHING,
        related_name="+",
        to="accounts.usecase",
    )


def _id():
    return models.BigAutoField(
        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
    )


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_tokens_go_with_use_cases"),
        ("tracing", "0012_build_indexes"),
    ]

    operations = [
        migrations.CreateModel(
            name="LogSum",
            fields=[
                ("id", _id()),
                (
                    "step",
                    models.CharField(choices=[("hour", "hour"), ("day", "day")], max_length=4),
                ),
                ("start", models.DateTimeField()),
                ("is_root", models.BooleanField()),
                ("kind", models.CharField(max_length=20)),
                ("status", models.CharField(max_length=20)),
                ("blueprint_id", models.CharField(max_length=24)),
                ("blueprint_version_id", models.CharField(max_length=24)),
                ("file_id", models.CharField(max_length=24)),
                ("file_version_id", models.CharField(max_length=24)),
                ("model_name", models.CharField(max_length=200)),
                ("count", models.BigIntegerField()),
                ("input_tokens", models.BigIntegerField(null=True)),
                ("output_tokens", models.BigIntegerField(null=True)),
                ("cost", models.DecimalField(decimal_places=12, max_digits=30, null=True)),
                ("good", models.BigIntegerField()),
                ("bad", models.BigIntegerField()),
                ("thumbs_up", models.BigIntegerField()),
                ("thumbs_down", models.BigIntegerField()),
                (
                    "buckets",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.SmallIntegerField(), null=True, size=None
                    ),
                ),
                (
                    "counts",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), null=True, size=None
                    ),
                ),
                ("use_case", _use_case()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["use_case", "step", "start"], name="log_sum_in_time")
                ],
            },
        ),
        migrations.CreateModel(
            name="StaleHour",
            fields=[("id", _id()), ("hour", models.DateTimeField()), ("use_case", _use_case())],
            options={"indexes": [models.Index(fields=["use_case", "hour"], name="stale_hour")]},
        ),
        migrations.RunSQL(_NOTE, _NOTE_NO_MORE),
    ]
