import django.db.models.functions.comparison
from django.db import migrations, models

import tracing.log_indexes
from config.indexing import BuildIndex


class Migration(migrations.Migration):
    """Those of the lists of logs. Some of them were built by 0007 once, where they were not large yet."""

    atomic = False

    dependencies = [('tracing', '0011_feedback_of_logs')]

    operations = [
        BuildIndex(
            model_name='log',
            index=models.Index(fields=['use_case', '-created_at', '-id'], name='log_newest'),
        ),
        BuildIndex(
            model_name='log',
            index=models.Index(condition=models.Q(('parent', None)), fields=['use_case', '-created_at', '-id'], name='log_roots_newest'),
        ),
        BuildIndex(
            model_name='log',
            index=models.Index(fields=['blueprint_version', '-created_at', '-id'], name='log_of_blueprint_version'),
        ),
        BuildIndex(
            model_name='log',
            index=models.Index(fields=['file_version', '-created_at', '-id'], name='log_of_file_version'),
        ),
        BuildIndex(
            model_name='log',
            index=models.Index(fields=['user', 'use_case', '-created_at', '-id'], name='log_of_user_newest'),
        ),
        BuildIndex(
            model_name='log',
            index=models.Index(condition=models.Q(('end_user', ''), _negated=True), fields=['use_case', 'end_user', '-created_at', '-id'], name='log_of_end_user_newest'),
        ),
        BuildIndex(
            model_name='log',
            index=models.Index(condition=models.Q(('source', ''), _negated=True), fields=['use_case', 'source', '-created_at', '-id'], name='log_of_source_newest'),
        ),
        BuildIndex(
            model_name='log',
            index=models.Index(condition=models.Q(('environment', ''), _negated=True), fields=['use_case', 'environment', '-created_at', '-id'], name='log_of_environment_newest'),
        ),
        BuildIndex(
            model_name='log',
            index=models.Index(condition=models.Q(('parent', None)), fields=['use_case', 'face', '-created_at', '-id'], name='log_by_face_newest'),
        ),
        BuildIndex(
            model_name='log',
            index=models.Index(condition=models.Q(('status', 'COMPLETED'), _negated=True), fields=['use_case', 'status', '-created_at', '-id'], name='log_unfinished_or_failed'),
        ),
        BuildIndex(
            model_name='log',
            index=models.Index(condition=models.Q(('cost__gt', 0)), fields=['use_case', 'cost'], name='log_by_cost'),
        ),
        BuildIndex(
            model_name='log',
            index=models.Index(models.F('use_case'), django.db.models.functions.comparison.Coalesce('latency_ms', tracing.log_indexes.Lasted('ended_at', 'started_at')), condition=models.Q(('parent', None)), name='log_by_duration'),
        ),
        BuildIndex(
            model_name='log',
            index=models.Index(condition=models.Q(('thumbs_up__gt', 0)), fields=['use_case', '-created_at', '-id'], name='log_good_newest'),
        ),
        BuildIndex(
            model_name='log',
            index=models.Index(condition=models.Q(('thumbs_down__gt', 0)), fields=['use_case', '-created_at', '-id'], name='log_bad_newest'),
        ),
        BuildIndex(
            model_name='log',
            index=models.Index(condition=models.Q(('judgment_count__gt', 0)), fields=['use_case', '-created_at', '-id'], name='log_judged_newest'),
        ),
        BuildIndex(
            model_name='log',
            index=models.Index(condition=models.Q(('is_payload_kept', True)), fields=['use_case', 'created_at', 'id'], name='log_payloads_oldest'),
        ),
    ]
